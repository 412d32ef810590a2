# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'what can be seen of a fiber', :fibers do
  it 'is its state' do
    fiber = spin { log << Polyphony.current.state; suspend }
    states = [fiber.state]
    wait_until { fiber.state == :waiting }
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
    expect(Polyphony.current.parent.location).to eq('(root)')
    expect(Fiber.schedule { log << Polyphony.current.location }.alive?).to be(false)
    expect(log).to eq(['(Fiber.schedule)'])
  end

  it 'is all of that in inspect' do
    fiber = waiting(:tagged) { receive }
    expect(fiber.inspect).to eq("#<Polyphony::Fiber :tagged #{__FILE__}:#{__LINE__ - 1} waiting receive>")
    fiber.stop
    expect(fiber.to_s).to include('dead')
  end

  it 'is the same handle for the running fiber everywhere in it' do
    fiber = spin do
      [Polyphony.current, Fiber.new { Polyphony.current }.resume, Enumerator.new { |y| y << Polyphony.current }.next]
    end
    expect(fiber.await).to all(equal(fiber))
  end
end
