# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/testing'
require 'timeout'

RSpec.describe 'Polyphony::Testing.virtual_clock' do
  def virtual(**options, &block)
    Polyphony::Testing.virtual_clock(**options, &block)
  end

  it 'lets hours pass at once, exactly' do
    times = []
    virtual do |clock|
      times << clock.now
      sleep 3600
      times << clock.now
      sleep 0.1
      times << clock.now
    end
    expect(times).to eq([0.0, 3600.0, 3600.1])
  end

  it 'opens a run of its own outside of fibers, and gives the value of the block' do
    # In a thread of its own: an earlier example may have left this one its scheduler.
    both = Thread.new do
      [virtual { Polyphony.spin { sleep(1000) && Fiber.current.blocking? }.await }, Polyphony::Scheduler.current]
    end
    expect(both.value).to eq([false, nil])
  end

  it 'wakes fibers in the order of their times', :fibers do
    virtual do |clock|
      [30, 10, 20].map { |s| spin { sleep(s) && log << [s, clock.now] } }.each(&:await)
    end
    expect(log).to eq([[10, 10.0], [20, 20.0], [30, 30.0]])
  end

  it 'is the time of everything that is limited in time' do
    waits = {
      'after' => -> { Polyphony.after(500) { :value }.await },
      'every' => -> { Polyphony.every(250) { break if (@rounds = (@rounds || 0) + 1) == 2 } },
      'move_on_after' => -> { Polyphony.move_on_after(500) { sleep } },
      'cancel_after' => -> { error_of { Polyphony.cancel_after(500) { Queue.new.pop } } },
      'Timeout.timeout' => -> { error_of { Timeout.timeout(500) { IO.pipe.first.read(1) } } },
      'receive' => -> { error_of { Polyphony.receive(timeout: 500) } },
      'Throttler' => -> { Polyphony::Throttler.new(interval: 500).tap { |t| t.process { nil } }.process { nil } },
      'Queue#pop' => -> { ConditionVariable.new.then { |c| Mutex.new.synchronize { c.wait(Thread::Mutex.new.tap(&:lock), 500) } } }
    }
    taken = virtual do |clock|
      waits.transform_values do |wait|
        before = [clock.now, Polyphony.now]
        wait.call
        [clock.now - before[0], (Polyphony.now - before[1]).round(6)]
      end
    end
    expect(taken).to eq(waits.transform_values { [500.0, 500.0] })
  end

  it 'leaves real time alone: Time.now and the clock of the process' do
    real = -> { [Time.now.to_f, Process.clock_gettime(Process::CLOCK_MONOTONIC)] }
    before = real.call
    virtual { sleep 1_000_000 }
    expect(real.call.zip(before).map { |now, then_| now - then_ }).to all(be < 1000)
  end

  it 'stands still while fibers run' do
    virtual do |clock|
      1000.times { Polyphony.snooze }
      expect(clock.now).to eq(0.0)
    end
  end

  it 'does not jump while there is something to read', :fibers do
    reader, writer = IO.pipe
    virtual do |clock|
      limited = spin { Polyphony.move_on_after(60) { reader.gets } }
      writer.puts('a line')
      expect([limited.await, clock.now]).to eq(["a line\n", 0.0])
    end
  ensure
    [reader, writer].each(&:close)
  end

  it 'waits for other threads where they wake its fibers, if there is a threshold', :fibers do
    queue = Queue.new
    asked = Queue.new
    thread = Thread.new { asked.pop && queue.push(:answer) }
    virtual(threshold: 30) do |clock|
      Polyphony.spin { sleep 3600 }
      asked.push(true)
      expect([queue.pop, clock.now]).to eq([:answer, 0.0])
    end
  ensure
    thread.join
  end

  it 'is moved by hand, too: what is due then fires in order', :fibers do
    virtual(autojump: false) do |clock|
      3.downto(1) { |s| spin { sleep(s) && log << s } }
      Polyphony::Testing.wait_all_blocked
      expect([clock.advance(2), clock.autojump?]).to eq([2.0, false])
      Polyphony::Testing.wait_all_blocked
      expect(log).to eq([1, 2])
      clock.autojump = true
      sleep(10)
      expect(clock.now).to eq(12.0)
      expect(log).to eq([1, 2, 3])
    end
  end

  it 'is a deadlock when all wait for a clock that nobody moves' do
    result = run_ruby(<<~RUBY)
      require 'polyphony/testing'
      Polyphony::Testing.virtual_clock(autojump: false) { sleep 1 }
    RUBY
    expect([result.stderr, result.status.exitstatus]).to match([/Deadlock.*sleep 1.0 s/m, 1])
  end

  it 'goes on from where it is in another one, and back', :fibers do
    virtual do |outer|
      sleep 10
      virtual(autojump: false) do |inner|
        inner.advance(5)
        expect([outer.now, inner.now, Polyphony::Scheduler.current.virtual_clock]).to eq([15.0, 5.0, Float::INFINITY])
      end
      expect([outer.now, Polyphony::Scheduler.current.virtual_clock]).to eq([15.0, 0])
      sleep 5
      expect(outer.now).to eq(20.0)
    end
    expect(Polyphony::Scheduler.current.virtual_clock).to be_nil
  end

  it 'ends with its block, however that ends; sleepers then sleep by the real clock', :fibers do
    sleeper = nil
    expect { virtual { sleeper = waiting { sleep 3600 } and raise IOError } }.to raise_error(IOError)
    expect(Polyphony::Scheduler.current.virtual_clock).to be_nil
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    expect(Polyphony.now).to be_within(1000).of(before)
    Polyphony::Testing.wait_all_blocked
    expect(sleeper.state).to eq(:waiting)
  end

  it 'is of one thread', :fibers do
    virtual do |clock|
      Polyphony.thread { sleep 0.001 }.join
      expect(Polyphony.thread { Polyphony::Scheduler.current.virtual_clock }.value).to be_nil
      expect(clock.now).to eq(0.0)
    end
  end

  it 'refuses what is no time' do
    expect { virtual(threshold: -1) {} }.to raise_error(ArgumentError, /threshold must not be negative/)
    expect { virtual(threshold: '1') {} }.to raise_error(TypeError, /threshold/)
    expect { virtual }.to raise_error(ArgumentError, /block/)
    virtual do |clock|
      expect { clock.advance(-1) }.to raise_error(ArgumentError, /negative/)
      expect { clock.advance(nil) }.to raise_error(TypeError)
      expect(clock.inspect).to eq('#<Polyphony::Testing::VirtualClock 0.0 s autojump>')
    end
  end
end

RSpec.describe 'Polyphony::Testing.wait_all_blocked', :fibers do
  def wait_all_blocked(...)
    Polyphony::Testing.wait_all_blocked(...)
  end

  it 'returns when every other fiber waits, whatever it does first' do
    spin { 50.times { snooze } && spin { 50.times { snooze } && log << :inner } && log << :outer && suspend }
    expect(wait_all_blocked).to be_nil
    expect(log).to eq(%i[outer inner])
  end

  it 'returns at once when there is no other' do
    wait_all_blocked
    expect(Polyphony::Scheduler.current.live).to eq(1)
  end

  it 'lets several wait: all return' do
    fibers = Array.new(3) { spin { wait_all_blocked && :back } }
    spin { 20.times { snooze } }
    expect(fibers.map(&:await)).to eq([nil] * 3)
  end

  it 'takes what can be read first' do
    reader, writer = IO.pipe
    spin { log << reader.gets }
    writer.puts('here')
    wait_all_blocked
    expect(log).to eq(["here\n"])
  ensure
    [reader, writer].each(&:close)
  end

  it 'waits until it has stayed so for the cushion' do
    queue = Queue.new
    spin { log << queue.pop << queue.pop }
    thread = Thread.new { 2.times { |i| queue.push(i) } }
    thread.join
    wait_all_blocked(0.001)
    expect(log).to eq([0, 1])
  end

  it 'can be stopped' do
    spinner = spin { loop { snooze } }
    waiter = spin { wait_all_blocked }
    snooze
    waiter.stop(:stopped)
    expect(waiter.await).to eq(:stopped)
    spinner.stop
  end

  it 'refuses what is no time' do
    expect { wait_all_blocked(-1) }.to raise_error(ArgumentError, /cushion/)
    expect { wait_all_blocked(:long) }.to raise_error(TypeError, /cushion/)
  end
end
