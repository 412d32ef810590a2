# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe Polyphony::Barrier, :fibers, :virtual_time do
  subject(:barrier) { described_class.new(3) }

  it 'lets nobody through before all are there, round after round' do
    fibers = Array.new(3) { |i| spin { 4.times { |round| sleep(i); log << round; barrier.wait } } }
    Polyphony::Fiber.await(*fibers)
    expect([log, time, barrier.waiting]).to eq([[0, 1, 2, 3].flat_map { |round| [round] * 3 }, 8, 0])
  end

  it 'tells each how many had come before it' do
    fibers = Array.new(6) { waiting { barrier.wait } }
    expect(Polyphony::Fiber.await(*fibers)).to eq([0, 1, 2, 0, 1, 2])
    expect(described_class.new(1).wait).to eq(0)
  end

  it 'does not count one who was stopped, cut or out of time' do
    waiting { barrier.wait }.stop
    expect(move_on_after(1, with_value: :cut) { barrier.wait }).to eq(:cut)
    expect(error_of { barrier.wait(timeout: 2) }).to be_a(Polyphony::TimeoutError)
    expect([barrier.waiting, time]).to eq([0, 3])
    fibers = Array.new(2) { waiting { barrier.wait(timeout: 10) } }
    expect(barrier.waiting).to eq(2)
    expect([barrier.wait, *Polyphony::Fiber.await(*fibers)]).to eq([2, 0, 1])
  end

  it 'lets one through who is stopped after the last has come: it does not wait any more' do
    fiber = waiting { log << barrier.wait; suspend }
    others = Array.new(2) { waiting { barrier.wait } }
    fiber.stop
    expect(log).to eq([0])
    Polyphony::Fiber.await(*others)
  end

  it 'once closed fails those who wait and those who come' do
    fibers = Array.new(2) { waiting { error_of { barrier.wait }.class } }
    expect(barrier.close).to equal(barrier)
    expect(Polyphony::Fiber.await(*fibers)).to eq([Polyphony::Closed] * 2)
    expect(error_of { barrier.wait }).to be_a(Polyphony::Closed)
    expect([barrier.closed?, barrier.inspect]).to eq([true, '#<Polyphony::Barrier closed>'])
  end

  it 'says so when it is used wrongly, and shows itself' do
    [0, -1, 1.5, nil].each { |wrong| expect(error_of { described_class.new(wrong) }).to be_a(ArgumentError) }
    expect(error_of { barrier.wait(timeout: -1) }).to be_a(ArgumentError)
    fiber = waiting { barrier.wait }
    expect([barrier.inspect, barrier.parties]).to eq(['#<Polyphony::Barrier 1 of 3 there>', 3])
    expect(fiber.waiting_on).to start_with('barrier #<Polyphony::Barrier')
    fiber.stop
  end
end

RSpec.describe Polyphony::Barrier, :fibers do
  it 'holds fibers of several threads together' do
    barrier = described_class.new(8)
    rounds = Queue.new
    threads = Array.new(4) do
      Polyphony::Thread.new { Polyphony::Fiber.await(*Array.new(2) { spin { 100.times { |i| rounds << i; barrier.wait } } }) }
    end
    threads.each(&:join)
    expect(Array.new(rounds.size) { rounds.pop }).to eq((0...100).flat_map { |i| [i] * 8 })
  end
end
