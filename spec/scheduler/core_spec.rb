# frozen_string_literal: true

require 'socket'
require_relative '../support/memory'
require_relative '../support/backend'

# The scheduler as stock Ruby sees it: nothing of layer 2.
RSpec.describe Polyphony::Scheduler do
  # Runs the block as the root fiber of a fresh thread with a scheduler; the value, when all fibers have ended.
  def in_scheduler
    Thread.new do
      Thread.current.report_on_exception = false
      Fiber.set_scheduler(described_class.new)
      yield Fiber.scheduler
    end.value
  end

  describe 'the run queue' do
    it 'runs Fiber.schedule at once, until the fiber waits' do
      log = []
      in_scheduler do
        Fiber.schedule { log << :a && sleep(0) && log << :c }
        log << :b
      end
      expect(log).to eq(%i[a b c])
    end

    it 'is first in, first out, and gives everybody a turn' do
      log = []
      in_scheduler do
        5.times { |i| Fiber.schedule { 3.times { log << i && sleep(0) } } }
      end
      expect(log).to eq((0...5).to_a * 3)
    end

    it 'keeps the order when fibers start fibers' do
      log = []
      in_scheduler do
        Fiber.schedule do
          log << 1
          Fiber.schedule { log << 2 && sleep(0) && log << 5 }
          log << 3
          sleep 0
          log << 6
        end
        log << 4
      end
      expect(log).to eq([1, 2, 3, 4, 5, 6])
    end

    it 'wakes timers in the order of their time, those of one time in the order of their start' do
      log = []
      in_scheduler do
        [0.02, 0.01, 0.03].each { |s| Fiber.schedule { sleep(s) && log << s } }
      end
      expect(log).to eq([0.01, 0.02, 0.03])
    end

    it 'returns the fiber, and what Kernel#sleep returns' do
      fiber = slept = nil
      in_scheduler do
        fiber = Fiber.schedule { slept = sleep(0.001) }
      end
      expect(fiber).to be_a(Fiber)
      expect(slept).to eq(0)
    end

    it 'raises an error before the first wait out of Fiber.schedule, a later one in the thread' do
      seen = nil
      expect do
        in_scheduler do
          begin
            Fiber.schedule { raise KeyError, 'early' }
          rescue KeyError => e
            seen = e.message
          end
          Fiber.schedule { sleep(0) && raise(IndexError, 'late') }
        end
      end.to raise_error(IndexError, 'late')
      expect(seen).to eq('early')
    end
  end

  describe 'starvation' do
    it 'does not happen to IO beside two fibers that keep each other busy' do
      reader, writer = IO.pipe
      got = nil
      in_scheduler do
        2.times { Fiber.schedule { sleep 0 until got } }
        Fiber.schedule { got = reader.read(1) }
        writer.write('x')
      end
      expect(got).to eq('x')
    end

    it 'does not happen to timers beside two fibers that keep each other busy' do
      done = false
      in_scheduler do
        2.times { Fiber.schedule { sleep 0 until done } }
        Fiber.schedule { sleep(0.005) && done = true }
      end
      expect(done).to be(true)
    end

    it 'does not happen to IO beside a lone fiber that snoozes' do
      reader, writer = IO.pipe
      got = nil
      in_scheduler do
        Fiber.schedule { got = reader.read(1) }
        Fiber.schedule do
          writer.write('y')
          described_class.snooze until got
        end
      end
      expect(got).to eq('y')
    end

    it 'does not happen to other threads that wake a fiber' do
      queue = Queue.new
      got = nil
      in_scheduler do
        2.times { Fiber.schedule { sleep 0 until got } }
        Fiber.schedule { got = queue.pop }
        Thread.new { queue.push(:z) }
      end
      expect(got).to eq(:z)
    end

    it 'looks at the operating system within 64 switches' do
      polls = in_scheduler do |scheduler|
        fibers = Array.new(2) { Fiber.schedule { 320.times { sleep 0 } } }
        before = scheduler.stats[:polls]
        sleep_until_dead(scheduler, fibers)
        scheduler.stats[:polls] - before
      end
      expect(polls).to be_between(8, 100)
    end

    def sleep_until_dead(scheduler, fibers)
      scheduler.run
      raise 'not done' if fibers.any?(&:alive?)
    end
  end

  describe '#block and #unblock' do
    it 'hands a wake-up over' do
      results = in_scheduler do |scheduler|
        [].tap do |list|
          waiter = Fiber.schedule { list << scheduler.block(:lock) }
          Fiber.schedule { scheduler.unblock(:lock, waiter) }
          scheduler.run
        end
      end
      expect(results).to eq([true])
    end

    it 'says when the time was up' do
      results = in_scheduler do |scheduler|
        [].tap do |list|
          Fiber.schedule { list << scheduler.block(:lock, 0.001) }
          scheduler.run
        end
      end
      expect(results).to eq([false])
    end

    it 'keeps a wake-up that comes before its block' do
      results = in_scheduler do |scheduler|
        [].tap do |list|
          Fiber.schedule do
            scheduler.unblock(:lock, Fiber.current)
            list << scheduler.block(:lock, 1000)
          end
          scheduler.run
        end
      end
      expect(results).to eq([true])
    end

    it 'does not let a late wake-up end a wait for something else' do
      results = in_scheduler do |scheduler|
        [].tap do |list|
          waiter = Fiber.schedule do
            list << scheduler.block(:first, 0.001)
            list << scheduler.block(:second)
          end
          Fiber.schedule do
            sleep 0 until list.size == 1
            sleep 0
            scheduler.unblock(:first, waiter)
            3.times { sleep 0 }
            list << :still_waiting
            scheduler.unblock(:second, waiter)
          end
          scheduler.run
        end
      end
      expect(results).to eq([false, :still_waiting, true])
    end

    it 'changes nothing when the fiber waits for a descriptor' do
      reader, writer = IO.pipe
      results = in_scheduler do |scheduler|
        [].tap do |list|
          waiter = Fiber.schedule { list << reader.read(1) }
          Fiber.schedule do
            scheduler.unblock(:lock, waiter)
            3.times { sleep 0 }
            list << :still_waiting
            writer.write('x')
          end
          scheduler.run
        end
      end
      expect(results).to eq([:still_waiting, 'x'])
    end

    it 'accepts any number of wake-ups for one block' do
      expect(in_scheduler do |scheduler|
        waiter = Fiber.schedule { scheduler.block(:lock) }
        100.times { scheduler.unblock(:lock, waiter) }
        scheduler.run
        waiter.alive?
      end).to be(false)
    end

    it 'wakes from other threads while the loop polls' do
      count = 200
      expect(in_scheduler do |scheduler|
        done = 0
        waiters = Queue.new
        Fiber.schedule { count.times { waiters.push(Fiber.current) && scheduler.block(:lock) && done += 1 } }
        Thread.new { count.times { scheduler.unblock(:lock, waiters.pop) } }
        scheduler.run
        done
      end).to eq(count)
    end

    it 'ignores wake-ups after the scheduler has been closed' do
      scheduler = fiber = nil
      in_scheduler { |s| (scheduler = s) && (fiber = Fiber.schedule { sleep 0 }) }
      expect(scheduler.unblock(:lock, fiber)).to be_nil
    end
  end

  describe 'its life' do
    it 'closes the first scheduler when a second is set' do
      log = []
      first = nil
      in_scheduler do |scheduler|
        first = scheduler
        Fiber.schedule { sleep(0) && log << :first }
        Fiber.set_scheduler(described_class.new)
        log << :set
        Fiber.schedule { sleep(0) && log << :second }
      end
      expect(log).to eq(%i[first set second])
      expect(first).to be_closed
    end

    it 'may be set again, to itself' do
      log = []
      in_scheduler do |scheduler|
        Fiber.schedule { sleep(0) && log << :before }
        Fiber.set_scheduler(nil)
        log << :closed
        expect { Fiber.set_scheduler(scheduler) && Fiber.schedule { sleep 0 } }.to raise_error(FiberError, /closed/)
        Fiber.set_scheduler(nil)
      end
      expect(log).to eq(%i[before closed])
    end

    it 'leaves no fiber behind when its thread ends' do
      fibers = []
      reader, writer = IO.pipe
      in_scheduler do
        fibers << Fiber.schedule { sleep 0.001 }
        fibers << Fiber.schedule { reader.read(1) }
        fibers << Fiber.schedule { Thread.new { sleep 0.001 }.join }
        fibers << Fiber.schedule { writer.write('x') }
      end
      expect(fibers.map(&:alive?)).to eq([false] * 4)
    end

    it 'ends the other fibers, ensure blocks included, when one fails while it closes' do
      log = []
      fibers = []
      expect do
        in_scheduler do
          fibers << Fiber.schedule { begin sleep ensure log << :one end }
          fibers << Fiber.schedule { begin Queue.new.pop ensure sleep(0) && log << :two end }
          Fiber.schedule { sleep(0) && raise(KeyError, 'ends all') }
        end
      end.to raise_error(KeyError, 'ends all')
      expect(log).to contain_exactly(:one, :two)
      expect(fibers.map(&:alive?)).to eq([false, false])
    end

    it 'gives all its descriptors back' do
      in_scheduler { Fiber.schedule { sleep 0 } } # whatever the first one loads
      before = Memory.fds
      5.times { in_scheduler { |s| Fiber.schedule { sleep 0.001 } && s.stats } }
      expect(Memory.fds).to be <= before # the collector may have closed one of somebody else's
    end

    it 'is of use to its own thread only' do
      in_scheduler do |scheduler|
        calls = [-> { scheduler.kernel_sleep(0.001) }, -> { scheduler.block(:x, 0.001) }, -> { scheduler.run },
                 -> { scheduler.io_wait($stdin, IO::READABLE, 0.001) }, -> { scheduler.timeout_after(1, KeyError) { nil } }]
        Fiber.schedule { 20.times { sleep 0.001 } }
        errors = Thread.new do
          calls.map do |call|
            call.call
          rescue FiberError => e
            e.class
          end
        end.value
        expect(errors - [FiberError, nil]).to eq([])
        expect(errors.first(2)).to eq([FiberError, FiberError])
      end
    end

    it 'says what it is about' do
      stats = in_scheduler do |scheduler|
        3.times { Fiber.schedule { sleep 0.001 } }
        expect(scheduler.inspect).to eq('#<Polyphony::Scheduler fibers=3>')
        scheduler.stats
      end
      expect(stats).to include(backend: 'libev', fibers: 3, spawned: 3, waiting: 3, watches: 3)
      expect(stats.values_at(:switches, :polls, :waits, :ready)).to all(be_an(Integer))
    end

    it 'needs initialize, and a backend that exists' do
      expect { described_class.allocate.stats }.to raise_error(ArgumentError, /uninitialized/)
      expect { described_class.new(backend: 'none') }.to raise_error(ArgumentError, /unknown backend: none .*libev/)
      expect(described_class.new(backend: :libev)).not_to be_closed
    end

    it 'raises Errno::EMFILE without descriptors for its loop, and can be made later' do
      result = run_ruby(<<~'RUBY')
        require 'polyphony/scheduler'
        Process.setrlimit(:NOFILE, 64)
        files = []
        begin
          loop { files << File.open('/dev/null') }
        rescue Errno::EMFILE
          puts 'full'
        end
        4.times do
          begin
            Polyphony::Scheduler.new
            puts 'made'
          rescue Errno::EMFILE => e
            puts e.class
          end
          files.pop.close
        end
        files.each(&:close)
        Fiber.set_scheduler(Polyphony::Scheduler.new)
        Fiber.schedule { sleep 0.001; puts 'works' }
      RUBY
      expect(result.stderr).to eq('')
      expect(result.stdout.lines.map(&:chomp)).to start_with('full', 'Errno::EMFILE').and end_with('works')
      expect(result.status).to be_success
    end
  end
end
