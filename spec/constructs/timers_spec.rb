# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'timers', :fibers do
  it 'after runs its block in a fiber of its own; stop calls it off' do
    fiber = after(0.001) { :value }
    other = after(0.001) { log << :ran }
    other.stop
    expect(fiber.await).to eq(:value)
    expect(log).to be_empty
    expect(fiber.parent).to equal(Polyphony.current)
  end

  it 'every runs in the calling fiber until break, whose value it gives' do
    count = 0
    me = Polyphony.current
    value = every(0.001) do
      log << Polyphony.current.equal?(me)
      break :broke if (count += 1) == 3
    end
    expect([value, log]).to eq([:broke, [true] * 3])
  end

  it 'every skips the rounds whose time has passed, and stays on its grid' do
    interval = 0.01
    start = Polyphony.now
    starts = []
    every(interval) do
      starts << (Polyphony.now - start)
      sleep(interval * 2.5) if starts.size == 1
      break if starts.size == 3
    end
    # Never before its time: the first at one interval, the second not before the fourth.
    expect(starts[0]).to be >= interval - 0.002
    expect(starts[1]).to be >= (interval * 4) - 0.002
    expect(starts[2]).to be >= (interval * 5) - 0.002
  end

  it 'every does not swallow a StopIteration' do
    expect(error_of { every(0.001) { raise StopIteration } }).to be_a(StopIteration)
  end

  it 'spin_loop runs for ever in a fiber, until break, StopIteration or stop' do
    count = 0
    expect(spin_loop { break count if (count += 1) == 3 }.await).to eq(3)
    expect(spin_loop { raise StopIteration }.await).to be_nil
    fiber = spin_loop(:looping) { snooze }
    snooze
    expect([fiber.tag, fiber.stop(:stopped).await]).to eq(%i[looping stopped])
  end

  it 'spin_loop with a rate or an interval does so, too' do
    [{ rate: 1000 }, { interval: 0.001 }].each do |options|
      count = 0
      expect(spin_loop(**options) { break :broke if (count += 1) == 3 }.await).to eq(:broke)
    end
  end

  it 'throttled_loop runs in the calling fiber, count times' do
    expect(throttled_loop(1000, count: 3) { log << 1 }).to eq(3)
    expect(throttled_loop(interval: 0.001) { break :broke }).to eq(:broke)
    expect(log.size).to eq(3)
  end

  it 'refuse wrong arguments' do
    block = proc {}
    expect(error_of { after(1) }).to be_a(ArgumentError)
    expect(error_of { every(1) }).to be_a(ArgumentError)
    expect(error_of { spin_loop }).to be_a(ArgumentError)
    expect(error_of { throttled_loop(1) }).to be_a(ArgumentError)
    [-1, Float::NAN].each do |wrong|
      expect(error_of { after(wrong, &block) }).to be_a(ArgumentError)
      expect(error_of { every(wrong, &block) }).to be_a(ArgumentError)
      expect(error_of { throttled_loop(wrong, &block) }).to be_a(ArgumentError)
    end
    expect(error_of { every(0, &block) }).to be_a(ArgumentError)
    expect(error_of { throttled_loop(0, &block) }).to be_a(ArgumentError)
    expect(error_of { throttled_loop(1, count: 'many', &block) }).to be_a(StandardError)
    ['soon', :soon, Object.new].each do |wrong|
      expect(error_of { after(wrong, &block) }).to be_a(TypeError)
      expect(error_of { every(wrong, &block) }).to be_a(TypeError)
      expect(error_of { spin_loop(rate: wrong, &block) }).to be_a(TypeError)
    end
  end
end

RSpec.describe Polyphony::Throttler, :fibers do
  it 'lets the first call through at once and keeps the order of the callers' do
    throttler = described_class.new(interval: 0.001)
    fibers = Array.new(5) { |i| spin { throttler.process { log << i } } }
    Polyphony::Fiber.await(*fibers)
    expect(log).to eq([0, 1, 2, 3, 4])
    expect(throttler.call { :value }).to eq(:value)
  end

  it 'never runs calls sooner than its grid' do
    throttler = described_class.new(200)
    start = Polyphony.now
    times = Array.new(4) { throttler.process { Polyphony.now - start } }
    expect(times.each_with_index.map { |time, i| time - (i * 0.005) }).to all(be >= -0.001)
    expect(throttler.interval).to eq(0.005)
    expect(throttler.inspect).to include('interval=0.005')
  end

  it 'goes on after a call that failed' do
    throttler = described_class.new(1000)
    expect(error_of { throttler.process { raise IOError } }).to be_a(IOError)
    expect(throttler.process { 1 }).to eq(1)
  end

  it 'refuses wrong arguments' do
    [[], [0], [-1], [Float::NAN]].each { |wrong| expect(error_of { described_class.new(*wrong) }).to be_a(ArgumentError) }
    [{ interval: 0 }, { interval: -1 }, { interval: Float::NAN }].each do |wrong|
      expect(error_of { described_class.new(**wrong) }).to be_a(ArgumentError)
    end
    expect(error_of { described_class.new(1, interval: 1) }).to be_a(ArgumentError)
    expect(error_of { described_class.new('fast') }).to be_a(TypeError)
    expect(error_of { described_class.new(1).process }).to be_a(ArgumentError)
  end
end
