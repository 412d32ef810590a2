# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe Polyphony::Event, :fibers, :virtual_time do
  subject(:event) { described_class.new }

  it 'wakes all that wait, and lets those through that come later' do
    fibers = Array.new(3) { |i| waiting { event.wait; log << i } }
    expect([event.waiting, event.set?, event.set]).to eq([3, false, true])
    Polyphony::Fiber.await(*fibers)
    expect([event.wait, event.set?, event.waiting, log.sort]).to eq([true, true, 0, [0, 1, 2]])
  end

  it 'gives the value that it was first set to' do
    fiber = waiting { event.wait }
    expect([event.set(:first), event.set(:second)]).to eq([true, false])
    expect([fiber.await, event.wait]).to eq(%i[first first])
  end

  it 'can be set again after a reset, and wakes those who waited although it is reset right after' do
    fiber = waiting { event.wait; :woken }
    event.set
    expect(event.reset).to equal(event)
    expect(fiber.await).to eq(:woken)
    other = waiting { event.wait }
    event.set(2)
    expect(other.await).to eq(2)
  end

  it 'forgets one who is stopped, cut or out of time' do
    waiting { event.wait }.stop
    expect(move_on_after(1, with_value: :cut) { event.wait }).to eq(:cut)
    expect(error_of { event.wait(timeout: 2) }).to be_a(Polyphony::TimeoutError)
    expect([event.waiting, time]).to eq([0, 3])
    after(1) { event.set(:in_time) }
    expect(event.wait(timeout: 2)).to eq(:in_time)
    expect(event.wait(timeout: 0)).to eq(:in_time)
    [[-1, ArgumentError], ['x', TypeError]].each { |wrong, error| expect(error_of { event.wait(timeout: wrong) }).to be_a(error) }
  end

  it 'shows itself, and in what waits for it' do
    fiber = waiting { event.wait }
    expect(event.inspect).to eq('#<Polyphony::Event not set, waiting=1>')
    expect(fiber.waiting_on).to start_with('event #<Polyphony::Event')
    event.set
    expect(event.inspect).to eq('#<Polyphony::Event set>')
  end
end

RSpec.describe Polyphony::Event, :fibers do
  it 'wakes fibers of all threads, none of which misses it' do
    200.times do
      event = described_class.new
      threads = Array.new(2) { Polyphony::Thread.new { Polyphony::Fiber.await(*Array.new(3) { spin { event.wait } }) } }
      event.set(1)
      expect(threads.map(&:value)).to eq([[1] * 3] * 2)
    end
  end

  it 'can be set in a trap handler' do
    result = run_ruby(<<~RUBY)
      require 'polyphony'
      event = Polyphony::Event.new
      trap(:USR1) { event.set(:trapped) }
      spin { Process.kill(:USR1, Process.pid) }
      p event.wait
    RUBY
    expect([result.stdout, result.stderr]).to eq([":trapped\n", ''])
  end
end
