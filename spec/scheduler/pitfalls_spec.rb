# frozen_string_literal: true

require_relative '../support/stock'

# What other implementations of Fiber::Scheduler stumbled over, and what is no single stock method (those are in
# spec/stock). Hooks are called here as Ruby calls them.
RSpec.describe Polyphony::Scheduler, :stock do
  around do |example|
    experimental = Warning[:experimental]
    Warning[:experimental] = false # IO::Buffer
    example.run
  ensure
    Warning[:experimental] = experimental
  end

  describe 'hooks' do
    it 'are defined only where this Ruby calls them correctly' do
      expect(described_class.method_defined?(:io_select)).to be(Stock::IO_SELECT_HOOK)
      expect(described_class.method_defined?(:io_write)).to be(Stock::IO_WRITE_HOOK)
    end

    it 'has no blocking_operation_wait unless asked for: it costs more than it gives' do
      expect(described_class.method_defined?(:blocking_operation_wait)).to be(false)
    end

    it 'io_read with a length of 0 is one read, of what there is; 0 is the end' do
      reader, writer = pipe
      results = []
      in_scheduler do
        Fiber.schedule do
          2.times { results << Fiber.scheduler.io_read(reader, IO::Buffer.new(10), 0) }
        end
        Fiber.schedule { writer.write('abc') and give_way and writer.close }
      end
      expect(results).to eq([3, 0])
    end

    unless Stock::SWAPPED_BUFFER_ARGUMENTS
      it 'io_read with a length waits for at least as many bytes' do
        reader, writer = pipe
        event = -> { %w[ab cd e].each { |text| writer.write(text) and give_way } }
        expect(beside_ticker(event) { Fiber.scheduler.io_read(reader, IO::Buffer.new(10), 5) }).to eq(5)
      end
    end

    it 'IO::Buffer#read goes through them' do
      reader, writer = pipe
      buffer = IO::Buffer.new(5)
      beside_ticker(-> { writer.write('hello') }) { buffer.read(reader, 5) }
      expect(buffer.get_string(0, 5)).to eq('hello')
    end

    it 'io_wait with a timeout of 0 looks, without a switch' do
      reader, writer = pipe
      order = []
      in_scheduler do
        Fiber.schedule do
          order << Fiber.scheduler.io_wait(reader, IO::READABLE, 0)
          writer.write('x')
          order << Fiber.scheduler.io_wait(reader, IO::READABLE, 0)
        end
        order << :root
      end
      expect(order).to eq([false, IO::READABLE, :root])
    end

    it 'address_resolve gives numeric addresses without a zone, and none for what does not exist' do
      resolve = ->(name) { beside_ticker { Fiber.scheduler.address_resolve(name) } }
      expect(resolve.call('localhost')).to all(match(/\A[\d.]+\z|\A[\h:]+\z/)).and(be_any)
      expect(resolve.call('fe80::1%lo')).to eq(['fe80::1'])
      expect(resolve.call('does-not-exist.invalid')).to be_empty
    end
  end

  describe '#unblock' do
    it 'that comes before its block is kept for it' do
      blocker = Object.new
      woken = nil
      in_scheduler do
        Fiber.schedule do
          Fiber.scheduler.unblock(blocker, Fiber.current)
          woken = Fiber.scheduler.block(blocker)
        end
      end
      expect(woken).to be(true)
    end

    it 'does not switch' do
      blocker = Object.new
      order = []
      in_scheduler do
        fiber = Fiber.schedule { Fiber.scheduler.block(blocker) and order << :woken }
        Fiber.scheduler.unblock(blocker, fiber)
        order << :unblocked
      end
      expect(order).to eq(%i[unblocked woken])
    end

    it 'for another blocker does not end a block' do
      blocker = Object.new
      order = []
      in_scheduler do
        fiber = Fiber.schedule { Fiber.scheduler.block(blocker) and order << :woken }
        Fiber.scheduler.unblock(Object.new, fiber)
        give_way
        order << :meant
        Fiber.scheduler.unblock(blocker, fiber)
      end
      expect(order).to eq(%i[meant woken])
    end

    it 'twice, for a fiber that ended, and after the close of the scheduler is harmless' do
      blocker = Object.new
      scheduler = fiber = nil
      in_scheduler do
        scheduler = Fiber.scheduler
        fiber = Fiber.schedule { scheduler.block(blocker) }
        Fiber.schedule { 2.times { scheduler.unblock(blocker, fiber) } or sleep(0) and scheduler.unblock(blocker, fiber) }
      end
      expect(scheduler.unblock(blocker, fiber)).to be_nil
    end

    it 'may be called from another thread with interrupts masked' do
      blocker = Object.new
      scheduler = fiber = nil
      event = lambda do
        Thread.new { Thread.handle_interrupt(Object => :never) { scheduler.unblock(blocker, fiber) } }.join
      end
      woken = beside_ticker(event) do
        scheduler = Fiber.scheduler
        fiber = Fiber.current
        scheduler.block(blocker)
      end
      expect(woken).to be(true)
    end

    it 'from ten threads at once loses no fiber' do
      queues = Array.new(100) { Queue.new }
      got = []
      threads = nil
      in_scheduler do
        queues.each { |queue| Fiber.schedule { got << queue.pop } }
        threads = queues.each_slice(10).map { |some| Thread.new { some.each { |queue| queue << 1 } } }
      end
      threads.each(&:join)
      expect(got.size).to eq(100)
    end

    it 'a block that ran out returns false, and a late unblock does not end the next wait' do
      blocker = Object.new
      reader, writer = pipe
      results = []
      in_scheduler do
        Fiber.schedule do
          results << Fiber.scheduler.block(blocker, 0.01)
          Fiber.scheduler.unblock(blocker, Fiber.current)
          results << reader.gets
        end
        Fiber.schedule { sleep(0.03) and writer.puts('hello') }
      end
      expect(results).to eq([false, "hello\n"])
    end
  end

  describe 'the loop' do
    it 'timers count from when they are set, not from the last poll' do
      order = []
      in_scheduler do
        Fiber.schedule { sleep(0.15) and order << :first }
        Fiber.schedule do
          busy_until = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 0.1
          nil until Process.clock_gettime(Process::CLOCK_MONOTONIC) > busy_until
          sleep(0.1)
          order << :second
        end
      end
      expect(order).to eq(%i[first second])
    end

    it 'fibers that only give way starve neither descriptors nor timers' do
      reader, writer = pipe
      done = []
      writing = Queue.new
      thread = Thread.new { writing.pop and writer.puts('hello') }
      in_scheduler do
        Fiber.schedule { done << reader.gets }
        Fiber.schedule { sleep(0.001) and done << :timer }
        Fiber.schedule { (writing << true) and sleep(0) until done.size == 2 }
      end
      thread.join
      expect(done).to contain_exactly("hello\n", :timer)
    end

    it 'does not spin while its fibers wait' do
      waits = nil
      in_scheduler do
        10.times { Fiber.schedule { pipe.first.wait_readable(0.1) } }
        Fiber.schedule { sleep(0.15) and waits = Fiber.scheduler.stats.values_at(:polls, :waits).max }
      end
      expect(waits).to be < 50
    end

    it 'with an interrupt already pending and masked, fibers go on; it is raised when the mask ends' do
      log = []
      error = begin
        in_scheduler do
          Thread.handle_interrupt(IOError => :never) do
            Thread.current.raise(IOError, 'masked')
            Fiber.schedule { sleep(0.01) and log << :fiber }
            Fiber.set_scheduler(nil)
            log << :closed
          end
          log << :not_reached
        end
      rescue IOError => e
        e
      end
      expect([log, error&.message]).to eq([%i[fiber closed], 'masked'])
    end

    it 'a wake-up from another thread reaches a poll without limit, in a process of one thread until then' do
      run = script(<<~'RUBY')
        require 'socket'
        Fiber.set_scheduler(Polyphony::Scheduler.new)
        server = TCPServer.new('127.0.0.1', 0)
        Fiber.schedule { puts server.accept.gets }
        Fiber.schedule { TCPSocket.new('127.0.0.1', server.addr[1]).puts(Thread.list.size) }
      RUBY
      expect(run.output).to eq("1\n")
    end

    it 'sets O_NONBLOCK on none of the standard streams' do
      run = script(<<~'RUBY') { |process| process.gets and process.puts('hello') }
        require 'io/nonblock'
        streams = [$stdin, $stdout, $stderr]
        before = streams.map(&:nonblock?)
        beside_ticker { $stdout.puts $stdin.gets; $stderr.puts 'error' }
        at_exit { puts streams.map(&:nonblock?) == before }
      RUBY
      expect(run.output).to eq("ticked\nhello\nerror\ntrue\n")
    end

    it 'wakes a nested fiber where it waits, not the one around it' do
      reader, writer = pipe
      order = []
      in_scheduler do
        Fiber.schedule do
          inner = Fiber.new { (order << reader.gets) and Fiber.yield(:yielded) and :ended }
          order << inner.resume << inner.resume(1)
        end
        Fiber.schedule { writer.puts('hello') }
      end
      expect(order).to eq(["hello\n", :yielded, :ended])
    end

    it 'a close that woke a fiber does not disturb its next wait' do
      outcome = in_child do
        first, = pipe
        second, writer = pipe
        log = []
        in_scheduler do
          Fiber.schedule do
            first.gets
          rescue IOError
            log << :closed << second.gets
          end
          Fiber.schedule { give_way and first.close or give_way and writer.puts('hello') }
        end
        log
      end
      expect(outcome).to eq([:closed, "hello\n"])
    end

    it 'a close by another thread does not disturb its next wait' do
      outcome = in_child do
        first, = pipe
        second, writer = pipe
        log = []
        in_scheduler do
          Fiber.schedule do
            first.gets
          rescue IOError
            log << :closed << second.gets
          end
          Fiber.schedule { Thread.new { first.close }.join and give_way and writer.puts('hello') }
        end
        log
      end
      expect(outcome).to eq([:closed, "hello\n"])
    end
  end

  describe 'memory' do
    # Nothing but the scheduler refers to the fibers that wait.
    def two_hundred_waiting(done)
      pipes = Array.new(50) { pipe }
      pipes.each { |reader, _| Fiber.schedule { done << reader.gets } }
      50.times { Fiber.schedule { sleep(0.05) and done << 1 } }
      gate = Queue.new
      100.times { Fiber.schedule { done << gate.pop } }
      [pipes.map(&:last), gate]
    end

    it 'fibers that wait survive garbage collection and compaction' do
      done = []
      in_scheduler do
        writers, gate = two_hundred_waiting(done)
        Fiber.schedule do
          3.times { GC.start or sleep(0) }
          GC.compact if GC.respond_to?(:compact)
          Array.new(10_000) { Object.new.to_s }
          writers.each { |writer| writer.puts('x') }
          100.times { gate << 1 }
        end
      end
      expect(done.size).to eq(200)
    end

    it 'leaves no fiber behind when it closes, however they end' do
      fibers = []
      error = Class.new(StandardError)
      expect do
        in_scheduler do
          fibers << Fiber.schedule { sleep 0.001 }
          fibers << Fiber.schedule { sleep }
          fibers << Fiber.schedule { Queue.new.pop }
          fibers << Fiber.schedule { Fiber.new { sleep }.resume }
          fibers << Fiber.schedule { sleep(0.005) and raise error }
        end
      end.to raise_error(error)
      expect(fibers.select(&:alive?)).to be_empty
    end

    if Stock::CLOSES_AFTER_ERROR
      it 'is closed when its thread ends in an error: waiting fibers finish' do
        log = []
        thread = Thread.new do
          Thread.current.report_on_exception = false
          Fiber.set_scheduler(described_class.new)
          Fiber.schedule { sleep(0.005) and log << :finished }
          raise IOError, 'root'
        end
        expect { thread.value }.to raise_error(IOError, 'root')
        expect(log).to eq([:finished])
      end
    else
      it 'is not closed when its thread ends in an error: waiting fibers are dropped (Ruby < 3.3)' do
        outcome = in_child do
          log = []
          thread = Thread.new do
            Thread.current.report_on_exception = false
            Fiber.set_scheduler(described_class.new)
            Fiber.schedule { sleep(0.005) and log << :finished }
            raise IOError, 'root'
          end
          thread.join
        rescue IOError => e
          log << e.message
        end
        expect(outcome).to eq(['root'])
      end
    end

    it 'gives its descriptors back when it closes, not when it is collected' do
      open = -> { Dir.children('/proc/self/fd').size }
      before = open.call
      GC.disable
      10.times { in_scheduler { Fiber.schedule { sleep(0.001) } } }
      expect(open.call).to eq(before)
    ensure
      GC.enable
    end

    it 'a thousand threads with a scheduler, one after the other' do
      1000.times { Thread.new { Fiber.set_scheduler(described_class.new) and Fiber.schedule { sleep 0 } }.join }
      expect(Dir.children('/proc/self/fd').size).to be < 500
    end
  end
end
