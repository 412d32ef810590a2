# frozen_string_literal: true

require 'timeout'
require_relative '../support/fibers'

RSpec.describe 'Polyphony::Scheduler#virtual_clock', :fibers do
  let(:scheduler) { Polyphony::Scheduler.current }

  def virtually(threshold = 0)
    scheduler.virtual_clock = threshold
    yield
  ensure
    scheduler.virtual_clock = nil
  end

  it 'jumps to the next timer when every fiber waits: in the order of their times' do
    virtually do
      start = Polyphony.now
      [3600, 60, 86_400, 60].each { |seconds| spin { sleep(seconds); log << [seconds, Polyphony.now - start] } }
      supervise
    end
    expect(log.map(&:first)).to eq([60, 60, 3600, 86_400])
    expect(log.map { |_, at| at.round(6) }).to eq([60, 60, 3600, 86_400])
  end

  it 'runs time limits, timeouts of Queue and Timeout on the same clock' do
    virtually do
      expect(move_on_after(1000, with_value: :cut) { sleep(2000) }).to eq(:cut)
      expect { Timeout.timeout(1000) { sleep(2000) } }.to raise_error(Timeout::Error)
      expect { receive(timeout: 5000) }.to raise_error(Polyphony::TimeoutError)
      expect(move_on_after(1000) { sleep(999); :done }).to eq(:done)
    end
  end

  it 'does not jump while a fiber can run' do
    virtually do
      sleeper = spin { sleep(1); log << :slept }
      100.times { snooze }
      expect(log).to be_empty
      sleeper.await
    end
    expect(log).to eq([:slept])
  end

  it 'does not jump while an operation outside of the loop will wake a fiber' do
    gate = Thread::Queue.new
    pool = Polyphony::ThreadPool.new(1)
    virtually do
      sleeper = spin { sleep(1); log << :slept }
      job = spin { pool.process { gate.pop }; log << :job }
      wait_until { job.state == :waiting && sleeper.state == :waiting }
      Thread.new { gate.push(nil) }.join
      Polyphony::Fiber.await(job, sleeper)
    end
    expect(log).to eq(%i[job slept])
  ensure
    pool.stop
  end

  it 'takes what is ready on a descriptor before it jumps' do
    a, b = UNIXSocket.pair
    virtually do
      spin { b.write(a.readpartial(10)) }
      spin { sleep(1); log << :slept }
      a2 = spin { a.write('x'); b.readpartial(10) }
      expect(move_on_after(10, with_value: :cut) { a2.await }).to eq('x').or eq(:cut)
    end
  ensure
    [a, b].each(&:close)
  end

  it 'goes back to real time with what is left of the timers' do
    sleeper = nil
    virtually do
      sleeper = spin { sleep(3600); log << :slept }
      wait_until { sleeper.state == :waiting }
    end
    expect(sleeper.waiting_on).to match(/sleep 3(600|599)/)
    sleeper.stop
    expect(log).to be_empty
  end

  it 'keeps timers that ran before on the real clock' do
    sleeper = waiting { sleep(0.01); :real }
    virtually { expect(sleeper.await).to eq(:real) }
  end

  it 'moves by hand with an infinite threshold' do
    virtually(Float::INFINITY) do
      fibers = [1, 2, 3].map { |seconds| waiting { sleep(seconds); log << seconds } }
      scheduler.advance(2)
      snooze
      expect(log).to eq([1, 2])
      scheduler.advance(1)
      fibers.last.await
      expect(log).to eq([1, 2, 3])
    end
  end

  it 'finds the deadlock when only the clock could wake the program and never will' do
    out, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        Polyphony::Scheduler.current.virtual_clock = Float::INFINITY
        sleep 1
      rescue Polyphony::Deadlock => e
        puts e.message.lines.size
      end
    RUBY
    expect(out.to_i).to be > 1
  end

  it 'keeps 100,000 timers in order, however they are started and stopped' do
    random = Random.new(11)
    scopes = []
    virtually do
      fired = []
      spin do
        times = Array.new(300) { random.rand(1..1_000_000) }
        fibers = times.map { |time| spin { sleep(time); fired << time } }
        fibers.each_with_index { |fiber, i| fiber.stop if (i % 3).zero? }
        left = times.each_with_index.reject { |_, i| (i % 3).zero? }.map(&:first)
        supervise
        expect(fired).to eq(left.sort)
      end.await
    end
    expect(scopes).to be_empty
  end

  it 'survives a fork' do
    virtually do
      spin { sleep(10) }
      snooze
      pid = fork do
        exit!(move_on_after(100, with_value: 7) { sleep(1000) })
      end
      expect(Process.wait2(pid).last.exitstatus).to eq(7)
    end
  end

  it 'refuses to advance real time, and what is no number of seconds' do
    expect { scheduler.advance(1) }.to raise_error(ArgumentError, /not virtual/)
    expect { scheduler.virtual_clock = -1 }.to raise_error(ArgumentError)
    expect { scheduler.virtual_clock = 'x' }.to raise_error(TypeError)
    expect(scheduler.virtual_clock).to be_nil
  end
end
