# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony::Fiber#await', :fibers do
  it 'gives the result, as join and value do, as often as it is asked' do
    fiber = spin { snooze; :result }
    expect([fiber.await, fiber.join, fiber.value, fiber.result]).to eq([:result] * 4)
  end

  it 'chains' do
    a = spin { snooze; :foo }
    b = spin { a.await }
    expect(b.await).to eq(:foo)
  end

  it 'wakes all awaiters' do
    fiber = spin { receive }
    awaiters = Array.new(5) { waiting { fiber.await } }
    fiber << :all
    expect(awaiters.map(&:await)).to eq([:all] * 5)
  end

  it 'refuses oneself and ancestors, who wait for their children' do
    me = Polyphony.current
    expect(error_of { me.await }&.message).to match(/itself/)
    expect(spin { spin { error_of { me.await } }.await }.await).to be_a(Polyphony::Error)
    expect(spin { error_of { Polyphony::Fiber.await(me) } }.await).to be_a(Polyphony::Error)
    expect(spin { error_of { Polyphony::Fiber.select(me) } }.await).to be_a(Polyphony::Error)
  end

  it 'can be interrupted, and the fiber goes on' do
    fiber = waiting { receive }
    awaiter = waiting { fiber.await }
    awaiter.stop
    expect(fiber).to be_alive
    fiber << :still
    expect(fiber.await).to eq(:still)
  end

  it 'of a finished fiber still lets itself be interrupted' do
    done = spin {}.tap(&:await)
    looping = spin { loop { done.await } }
    snooze
    looping.stop
    expect(looping).not_to be_alive
  end

  it 'works from a blocking root: a plain thread' do
    result = Thread.new do
      fiber = Polyphony.spin { sleep 0; :from_thread }
      [fiber.await, Fiber.current.blocking?]
    end.value
    expect(result).to eq([:from_thread, true])
  end

  it 'works from other threads, any number of them' do
    fiber = waiting { receive }
    ready = Queue.new
    threads = Array.new(3) do
      Thread.new do
        ready << true
        fiber.await
      end
    end
    3.times { ready.pop }
    fiber << :across
    expect(threads.map(&:value)).to eq([:across] * 3)
  end

  it 'raises in other threads what the fiber failed with' do
    fiber = waiting { receive; raise IOError, 'across' }
    thread = Thread.new { error_of { fiber.await } }
    fiber << :fail
    expect(error_of { fiber.await }).to be_a(IOError)
    expect(thread.value).to be_a(IOError)
  end

  it 'gets the end of a fiber of another thread, and of its root' do
    fibers = Queue.new
    go = Queue.new
    thread = Thread.new do
      fibers << Polyphony.spin { go.pop }
      fibers << Polyphony.current
      fibers.size
      Polyphony.supervise
    end
    fiber = fibers.pop
    root = fibers.pop
    go << :told
    expect([fiber.await, root.await]).to eq([:told, nil])
    thread.join
  end
end

RSpec.describe 'awaiting on a blocking root, as in rspec' do
  # In a thread of its own: a scheduler stays with its thread, and other specs share the main one.
  it 'runs the loop while it waits' do
    Thread.new do
      fiber = Polyphony.spin { Polyphony.spin { sleep 0; :inner }.await }
      expect(Fiber.current).to be_blocking
      expect(fiber.await).to eq(:inner)
      expect(Polyphony::Fiber.await(Polyphony.spin { 1 }, Polyphony.spin { 2 })).to eq([1, 2])
      expect(Polyphony.move_on_after(0, with_value: :late) { Polyphony.receive }).to eq(:late)
    end.join
  end

  it 'does so on the main thread, too' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      p Fiber.current.blocking?, Polyphony.spin { sleep 0; :inner }.await
      p Polyphony::Fiber.await(Polyphony.spin { 1 }, Polyphony.spin { 2 })
    RUBY
    expect([out, err]).to eq(["true\n:inner\n[1, 2]\n", ''])
  end
end
