# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'what can be seen of a fiber', :fibers do
  it 'is its state' do
    fiber = spin { log << Polyphony.current.state; suspend }
    states = [fiber.state]
    snooze
    states << fiber.state
    fiber.stop
    states << fiber.state
    expect(states + log).to eq(%i[runnable waiting dead running])
  end

  it 'is whether it is alive, before its first run, too' do
    fiber = spin {}
    before = fiber.alive?
    fiber.await
    expect([before, fiber.alive?]).to eq([true, false])
  end

  it 'is its tag, which can be changed' do
    fiber = spin(:worker) { suspend }
    tags = [fiber.tag, (fiber.tag = 'other'), fiber.tag, spin {}.tag]
    expect(tags).to eq([:worker, 'other', 'other', nil])
  end

  it 'is its parent and its children, in the order they were spun' do
    me = Polyphony.current
    fibers = Array.new(3) { spin { suspend } }
    expect(me.children).to eq(fibers)
    expect(fibers.map(&:parent)).to all(equal(me))
    fibers[1].stop
    expect(me.children).to eq(fibers.values_at(0, 2))
  end

  it 'is its result, once it has one' do
    fiber = spin { receive }
    expect(fiber.result).to be_nil
    fiber << 5
    fiber.await
    expect(fiber.result).to eq(5)
  end

  it 'is where it was spun' do
    expect(spin {}.location).to eq("#{__FILE__}:#{__LINE__}")
    expect(spin(&:to_s).location).to be_a(String)
  end

  it 'is what it waits for' do
    reader, writer = IO.pipe
    lock = Mutex.new.tap(&:lock)
    fibers = [waiting { sleep 3600 }, waiting { reader.readpartial(1) }, waiting { receive }, waiting { lock.lock },
              waiting { spin { suspend }.await }]
    texts = fibers.map(&:waiting_on)
    expect(texts).to match([/\Asleep 3(600.0|599.\d) s\z/, "io_read fd #{reader.fileno} IO", 'receive', /Thread::Mutex/, /\Aawait #<Polyphony::Fiber /])
    expect(Polyphony.current.waiting_on).to be_nil
  ensure
    fibers&.each(&:stop)
    [reader, writer].each(&:close)
  end

  it 'is all of that in inspect' do
    fiber = waiting(:tagged) { receive }
    expect(fiber.inspect).to eq("#<Polyphony::Fiber :tagged #{__FILE__}:#{__LINE__ - 1} waiting receive>")
    fiber.stop
    expect(fiber.to_s).to include('dead')
  end

  it 'is the hierarchy as text, by Polyphony.tree' do
    line = __LINE__ + 1
    outer = waiting(:outer) { spin(:inner) { receive }; suspend }
    wait_until { outer.children.first.state == :waiting }
    lines = Polyphony.tree.lines.map(&:chomp)
    expect(lines).to include("    outer waiting on sleep #{__FILE__}:#{line}",
                             "      inner waiting on receive #{__FILE__}:#{line}")
    expect(lines.first).to start_with('main')
  end

  it 'is the same handle for the running fiber everywhere in it' do
    fiber = spin do
      [Polyphony.current, Fiber.new { Polyphony.current }.resume, Enumerator.new { |y| y << Polyphony.current }.next]
    end
    expect(fiber.await).to all(equal(fiber))
  end
end
