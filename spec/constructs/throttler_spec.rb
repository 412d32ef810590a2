# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe Polyphony::Throttler, :fibers, :virtual_time do
  def times_of(throttler, count)
    Array.new(count) { throttler.process { time } }
  end

  it 'lets the first call through at once, and the others on a grid' do
    throttler = described_class.new(4)
    expect(times_of(throttler, 4)).to eq([0, 0.25, 0.5, 0.75])
    expect([throttler.interval, throttler.burst, throttler.call { :value }]).to eq([0.25, 1, :value])
    expect(throttler.inspect).to include('interval=0.25')
  end

  it 'saves nothing up while nobody calls' do
    throttler = described_class.new(interval: 1)
    throttler.process {}
    sleep 10
    expect(times_of(throttler, 3)).to eq([10, 11, 12])
  end

  it 'keeps the order of the callers, whoever they are' do
    throttler = described_class.new(interval: 1)
    Polyphony::Fiber.await(*Array.new(5) { |i| waiting { throttler.process { log << [i, time] } } })
    expect(log).to eq([[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]])
  end

  it 'with a burst lets so many through at once, then one each interval, and again after a pause' do
    throttler = described_class.new(interval: 1, burst: 3)
    expect(times_of(throttler, 5)).to eq([0, 0, 0, 1, 2])
    sleep 2 # until 4: two are saved up
    expect(times_of(throttler, 4)).to eq([4, 4, 5, 6])
    sleep 100
    expect(times_of(throttler, 5)).to eq([106, 106, 106, 107, 108])
  end

  it 'lets a whole burst through, whatever the sums of Floats are' do
    [3, 5, 7, 10, 300].product([2, 20, 50]).each do |rate, burst|
      throttler = described_class.new(rate, burst: burst)
      passed = 0
      fiber = spin { spin_loop { throttler.process { passed += 1 } }.await }
      settle
      expect([rate, burst, passed]).to eq([rate, burst, burst])
      fiber.stop
    end
  end

  it 'gives the turn of one who is stopped to the next' do
    throttler = described_class.new(interval: 10)
    throttler.process {}
    fibers = Array.new(3) { |i| waiting { throttler.process { log << [i, time] } } }
    expect([throttler.waiting, fibers.first.waiting_on]).to match([3, /throttle .*Throttler/])
    sleep 1
    fibers[0].stop
    fibers[1].cancel(IOError) # before its turn; and one behind, too
    expect(error_of { fibers[1].await }).to be_a(IOError)
    fibers[2].await
    expect([log, throttler.waiting]).to eq([[[2, 10]], 0])
    expect(times_of(throttler, 1)).to eq([20])
  end

  it 'takes no turn for one whose time limit or timeout runs out' do
    throttler = described_class.new(interval: 10)
    throttler.process {}
    expect(move_on_after(9, with_value: :cut) { throttler.process { :ran } }).to eq(:cut)
    expect(error_of { throttler.process(timeout: 0.5) { :ran } }).to be_a(Polyphony::TimeoutError)
    expect(throttler.process(timeout: 1) { time }).to eq(10)
    expect(error_of { throttler.process(timeout: -1) {} }).to be_a(ArgumentError)
  end

  it 'stays on its grid although calls are late, and begins a new one instead of making up for much' do
    throttler = described_class.new(interval: 10)
    times = Array.new(4) { spin { throttler.process { log << time } } }
    spin { sleep 9.5; Polyphony::Scheduler.current.advance(4) } # the second call comes to run at 13.5
    sleep 21
    expect(log).to eq([0, 13.5, 20])
    Polyphony::Scheduler.current.advance(44) # 65: three rounds late
    supervise
    expect(times.map(&:alive?).none?).to be(true)
    expect(log).to eq([0, 13.5, 20, 65])
    expect(times_of(throttler, 2)).to eq([75, 85])
  end

  it 'does not drift' do
    throttler = described_class.new(10)
    10_001.times { throttler.process {} }
    expect(time).to eq(1000)
  end

  it 'goes on after a call that failed' do
    throttler = described_class.new(1000)
    expect(error_of { throttler.process { raise IOError } }).to be_a(IOError)
    expect(throttler.process { 1 }).to eq(1)
  end

  it 'refuses wrong arguments' do
    [[], [0], [-1], [Float::NAN]].each { |wrong| expect(error_of { described_class.new(*wrong) }).to be_a(ArgumentError) }
    [{ interval: 0 }, { interval: -1 }, { interval: Float::NAN }, { interval: Float::INFINITY }].each do |wrong|
      expect(error_of { described_class.new(**wrong) }).to be_a(ArgumentError)
    end
    [0, -1, 1.5, '3'].each { |wrong| expect(error_of { described_class.new(1, burst: wrong) }).to be_a(ArgumentError) }
    expect(error_of { described_class.new(1, interval: 1) }).to be_a(ArgumentError)
    expect(error_of { described_class.new('fast') }).to be_a(TypeError)
    expect(error_of { described_class.new(1).process }).to be_a(ArgumentError)
  end
end

RSpec.describe Polyphony::Throttler, :fibers do
  it 'serves fibers of several threads, each call once' do
    throttler = described_class.new(5000)
    counts = Queue.new
    threads = Array.new(4) do |i|
      Polyphony::Thread.new do
        Polyphony::Fiber.await(*Array.new(5) { spin { 10.times { throttler.process { counts << i } } } })
      end
    end
    threads.each(&:join)
    expect(Array.new(counts.size) { counts.pop }.tally).to eq({ 0 => 50, 1 => 50, 2 => 50, 3 => 50 })
    expect(throttler.waiting).to eq(0)
  end
end
