# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe Polyphony::Latch, :fibers, :virtual_time do
  subject(:latch) { described_class.new(3) }

  it 'opens when all has been done, for good' do
    fibers = Array.new(2) { |i| waiting { latch.wait; log << i } }
    expect([latch.count_down, latch.open?, latch.count_down(2), latch.open?]).to eq([2, false, 0, true])
    Polyphony::Fiber.await(*fibers)
    expect([log.sort, latch.wait, latch.count]).to eq([[0, 1], true, 0])
    expect(described_class.new(0).wait).to be(true)
  end

  it 'forgets one who is stopped, cut or out of time' do
    waiting { latch.wait }.stop
    expect(move_on_after(1, with_value: :cut) { latch.wait }).to eq(:cut)
    expect(error_of { latch.wait(timeout: 2) }).to be_a(Polyphony::TimeoutError)
    expect([latch.waiting, time]).to eq([0, 3])
    after(1) { latch.count_down(3) }
    expect(latch.wait(timeout: 2)).to be(true)
  end

  it 'says so when it is used wrongly' do
    latch.count_down(2)
    expect(error_of { latch.count_down(2) }).to be_a(Polyphony::Error)
    expect(latch.count).to eq(1)
    [0, -1, 1.5, nil].each { |wrong| expect(error_of { latch.count_down(wrong) }).to be_a(ArgumentError) }
    [-1, 1.5, nil, '3'].each { |wrong| expect(error_of { described_class.new(wrong) }).to be_a(ArgumentError) }
    expect(error_of { latch.wait(timeout: -1) }).to be_a(ArgumentError)
  end

  it 'shows itself, and in what waits for it' do
    fiber = waiting { latch.wait }
    expect(latch.inspect).to eq('#<Polyphony::Latch 3 left, waiting=1>')
    expect(fiber.waiting_on).to start_with('latch #<Polyphony::Latch')
    latch.count_down(3)
    expect(latch.inspect).to eq('#<Polyphony::Latch open>')
  end
end

RSpec.describe Polyphony::Latch, :fibers do
  it 'counts right across threads' do
    latch = described_class.new(40_000)
    threads = Array.new(4) { Polyphony::Thread.new { 10_000.times { latch.count_down }; latch.wait } }
    expect([latch.wait, threads.map(&:value), latch.count]).to eq([true, [true] * 4, 0])
  end
end
