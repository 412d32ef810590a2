# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe 'timers', :fibers, :virtual_time do
  describe 'after' do
    it 'runs its block in a fiber of its own, so many seconds after the call' do
      fiber = after(3) { log << time; :value }
      log << time
      expect([fiber.await, log]).to eq([:value, [0, 3]])
      expect(fiber.parent).to equal(Polyphony.current)
    end

    it 'counts from the call, however late its fiber gets its first turn' do
      after(3) { log << time }
      Polyphony::Scheduler.current.advance(2)
      supervise
      expect(log).to eq([3])
    end

    it 'is called off by stop, and by the end of the parent' do
      other = after(1) { log << :ran }
      other.stop
      spin { after(1) { log << :ran } }.await
      sleep 2
      expect(log).to be_empty
    end

    it 'runs in the order of time' do
      { 2 => :b, 1 => :a, 3 => :c }.each { |seconds, name| after(seconds) { log << name } }
      supervise
      expect(log).to eq(%i[a b c])
    end

    it 'without waiting at all for 0, and for ever for infinity' do
      after(0) { log << time }
      endless = after(Float::INFINITY) { log << :never }
      sleep 1e9
      endless.stop
      expect(log).to eq([0])
    end
  end

  describe 'every' do
    it 'runs in the calling fiber until break, whose value it gives' do
      me = Polyphony.current
      value = every(2) do
        log << time
        break [:broke, Polyphony.current.equal?(me)] if log.size == 3
      end
      expect([value, log]).to eq([[:broke, true], [2, 4, 6]])
    end

    it 'skips the rounds whose time has passed, and stays on its grid' do
      every(1) do
        log << time
        sleep 2.5 if log.size == 1
        break if log.size == 4
      end
      expect(log).to eq([1, 4, 5, 6])
    end

    it 'does not skip the round that is due just now' do
      every(0.1) do
        log << time
        sleep 0.1
        break if log.size == 5
      end
      expect(log).to eq([0.1, 0.2, 0.3, 0.4, 0.5])
    end

    it 'does not drift: 100,000 rounds later it is where it belongs', timeout: 120 do
      rounds = 0
      every(0.1) { break if (rounds += 1) == 100_000 }
      expect(time).to eq(10_000)
    end

    it 'does not swallow a StopIteration' do
      expect(error_of { every(1) { raise StopIteration } }).to be_a(StopIteration)
    end

    it 'is ended by a stop, also when its block never waits' do
      fiber = spin { every(1) { log << time } }
      after(3.5) { fiber.stop(:stopped) }
      expect([fiber.await, log]).to eq([:stopped, [1, 2, 3]])
    end

    it 'takes a Rational' do
      every(1/3r) { log << time; break if log.size == 3 }
      expect(log).to eq([0.333333, 0.666667, 1])
    end
  end

  describe 'spin_loop' do
    it 'runs for ever in a fiber, until break, StopIteration or stop' do
      count = 0
      expect(spin_loop { break count if (count += 1) == 3 }.await).to eq(3)
      expect(spin_loop { raise StopIteration }.await).to be_nil
      fiber = spin_loop(:looping) { snooze }
      snooze
      expect([fiber.tag, fiber.stop(:stopped).await]).to eq(%i[looping stopped])
    end

    it 'with a rate or an interval keeps to it' do
      [{ rate: 2 }, { interval: 0.5 }].each do |options|
        start = time
        times = []
        expect(spin_loop(**options) { times << (time - start); break :broke if times.size == 3 }.await).to eq(:broke)
        expect(times).to eq([0, 0.5, 1])
      end
    end

    it 'passes on errors' do
      expect(error_of { spin_loop { raise IOError }.await }).to be_a(IOError)
      looping = -> { spin_loop { throw :unknown } }
      expect(error_of { looping.call.await }).to be_a(UncaughtThrowError)
    end
  end

  describe 'throttled_loop' do
    it 'runs in the calling fiber, the first time at once, count times' do
      expect(throttled_loop(2, count: 3) { log << time }).to eq(3)
      expect(log).to eq([0, 0.5, 1])
      expect(throttled_loop(1, count: 0) { log << :never }).to eq(0)
      expect(log.size).to eq(3)
    end

    it 'ends by break or StopIteration, with a count and without' do
      [nil, 5].each do |count|
        expect(throttled_loop(interval: 1, count: count) { break :broke }).to eq(:broke)
        expect(throttled_loop(interval: 1, count: count) { [1].each.tap(&:next).next }).to eq([1])
      end
    end

    it 'can be stopped while it waits' do
      fiber = spin { throttled_loop(interval: 10) { log << time } }
      after(25) { fiber.stop(:stopped) }
      expect([fiber.await, log]).to eq([:stopped, [0, 10, 20]])
    end
  end

  it 'refuse wrong arguments' do
    block = proc {}
    [-> { after(1) }, -> { every(1) }, -> { spin_loop }, -> { throttled_loop(1) }].each { |call| expect(error_of(&call)).to be_a(ArgumentError) }
    [-1, Float::NAN].each do |wrong|
      expect(error_of { after(wrong, &block) }).to be_a(ArgumentError)
      expect(error_of { every(wrong, &block) }).to be_a(ArgumentError)
      expect(error_of { throttled_loop(wrong, &block) }).to be_a(ArgumentError)
    end
    [0, Float::INFINITY].each { |wrong| expect(error_of { every(wrong, &block) }).to be_a(ArgumentError) }
    expect(error_of { throttled_loop(0, &block) }).to be_a(ArgumentError)
    ['many', -1, 1.5].each { |wrong| expect(error_of { throttled_loop(1, count: wrong, &block) }).to be_a(ArgumentError) }
    expect(error_of { spin_loop(rate: 1, interval: 1, &block) }).to be_a(ArgumentError)
    ['soon', :soon, nil, Object.new].each do |wrong|
      expect(error_of { after(wrong, &block) }).to be_a(TypeError)
      expect(error_of { every(wrong, &block) }).to be_a(TypeError)
    end
    expect(error_of { spin_loop(rate: 'often', &block) }).to be_a(TypeError)
  end

  # The heap of timers is 1,000 high all the while. That time stands still shows that nothing fired; that memory
  # does, that nothing is kept.
  it 'arm and cancel a million limits over 1,000 sleepers, in constant memory', timeout: 120 do
    sleepers = Array.new(1000) { |i| spin { sleep(1000 + i) } }
    snooze
    memory = -> { GC.start; Integer(File.read('/proc/self/statm').split[1]) * 4 }
    10_000.times { move_on_after(100) { nil } }
    before = memory.call
    1_000_000.times { |i| move_on_after(100 + (i % 5000)) { nil } }
    expect(memory.call - before).to be < 20_000 # KB: what a million limits that stay would take is ten times that
    expect([time, sleepers.count(&:alive?)]).to eq([0, 1000])
    sleepers.each { |fiber| fiber.stop }
    expect(move_on_after(5000, with_value: :cut) { suspend }).to eq(:cut)
    expect(time).to eq(5000)
  end
end
