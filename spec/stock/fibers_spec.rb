# frozen_string_literal: true

require_relative '../support/stock'

RSpec.describe 'Fibers and enumerators beside a ticker fiber', :stock do
  describe Enumerator do
    it 'internal iteration over something that waits' do
      reader, writer = pipe
      numbers = Enumerator.new { |yielder| 3.times { yielder << Integer(reader.gets) } }
      event = -> { 3.times { |i| writer.puts(i) or give_way } }
      expect(beside_ticker(event) { numbers.map { |n| n * 2 } }).to eq([0, 2, 4])
    end

    it 'lazy iteration over something that waits' do
      reader, writer = pipe
      event = -> { 3.times { |i| writer.puts(i) or give_way } }
      expect(beside_ticker(event) { reader.each_line.lazy.map(&:to_i).first(2) }).to eq([0, 1])
    end

    if Stock::ENUMERATOR_WAITS
      it 'next over something that waits' do
        reader, writer = pipe
        lines = reader.each_line
        event = -> { 2.times { |i| writer.puts(i) or give_way } }
        expect(beside_ticker(event) { [lines.next, lines.next] }).to eq(%W[0\n 1\n])
      end
    else
      it 'next over something that waits blocks the thread (Ruby < 3.4: its fiber is a blocking one)' do
        reader, writer = pipe
        lines = reader.each_line
        expect(blocks_the_thread(-> { writer.puts('hello') }) { lines.next }).to eq("hello\n")
      end

      it '… the way out: a fiber and a queue' do
        reader, writer = pipe
        lines = Queue.new
        event = -> { 2.times { |i| writer.puts(i) or give_way } and writer.close }
        got = beside_ticker(event) do
          Fiber.schedule { reader.each_line { |line| lines << line } }
          [lines.pop, lines.pop]
        end
        expect(got).to eq(%W[0\n 1\n])
      end
    end

    it 'next over something that does not wait, between waits' do
      numbers = [1, 2, 3].each
      expect(beside_ticker { Array.new(3) { sleep(0.005) and numbers.next } }).to eq([1, 2, 3])
    end

    it 'an external enumerator that is dropped half way' do
      expect(beside_ticker { [1, 2].each.tap(&:next) and sleep(0.005) }).to eq(0)
      GC.start
    end
  end

  describe Fiber do
    it 'Fiber.new and resume: a wait inside belongs to the fiber that resumed it' do
      reader, writer = pipe
      line = beside_ticker(-> { writer.puts('hello') }) { Fiber.new { reader.gets }.resume }
      expect(line).to eq("hello\n")
    end

    it 'waits in three fibers, one inside the other' do
      reader, writer = pipe
      nested = ->(depth) { depth.zero? ? reader.gets : Fiber.new { nested.call(depth - 1) }.resume }
      expect(beside_ticker(-> { writer.puts('hello') }) { nested.call(3) }).to eq("hello\n")
    end

    it 'Fiber.yield and resume between waits' do
      reader, writer = pipe
      event = -> { 3.times { |i| writer.puts(i) or give_way } }
      got = beside_ticker(event) do
        source = Fiber.new { 3.times { Fiber.yield(Integer(reader.gets)) } and :end }
        Array.new(4) { sleep(0.001) and source.resume }
      end
      expect(got).to eq([0, 1, 2, :end])
    end

    it 'an error inside is raised by resume' do
      error = beside_ticker do
        Fiber.new { sleep(0.005) and raise IOError, 'inner' }.resume
      rescue IOError => e
        e.message
      end
      expect(error).to eq('inner')
    end

    it 'Fiber#raise to a fiber that yielded' do
      got = beside_ticker do
        inner = Fiber.new do
          sleep 0.005
          Fiber.yield
        rescue IOError => e
          sleep 0.005
          e.message
        end
        inner.resume
        inner.raise(IOError, 'raised')
      end
      expect(got).to eq('raised')
    end

    it 'Fiber#raise to a fiber that waits raises there; the caller goes on' do
      log = []
      in_scheduler do
        waiting = Fiber.schedule do
          sleep
        rescue IOError => e
          log << e.message
        end
        Fiber.schedule { sleep(0) and (waiting.raise(IOError, 'raised') or true) and log << :caller }
      end
      expect(log).to contain_exactly('raised', :caller)
    end

    it 'Fiber#raise to a fiber that waits again in its rescue; the caller goes on' do
      log = []
      in_scheduler do
        waiting = Fiber.schedule do
          sleep
        rescue IOError
          sleep(0.005) and log << :waited
        end
        Fiber.schedule { sleep(0) and (waiting.raise(IOError, 'raised') or true) and log << :caller }
      end
      expect(log).to contain_exactly(:caller, :waited)
    end

    if described_class.method_defined?(:kill)
      it 'Fiber#kill of a fiber that waits runs its ensure blocks; the caller goes on' do
        log = []
        in_scheduler do
          waiting = Fiber.schedule do
            sleep
          ensure
            log << :ensure
          end
          Fiber.schedule { sleep(0) and (waiting.kill or true) and log << :caller }
        end
        expect(log).to contain_exactly(:ensure, :caller)
      end
    end

    it 'Fiber#resume of a fiber that waits in the scheduler raises FiberError, and harms neither' do
      log = []
      in_scheduler do
        waiting = Fiber.schedule { sleep(0.005) and log << :waited }
        Fiber.schedule do
          waiting.resume
        rescue FiberError
          log << :refused
        end
      end
      expect(log).to eq(%i[refused waited])
    end

    it 'Fiber.new(blocking: true) blocks the thread' do
      reader, writer = pipe
      event = -> { writer.puts('hello') }
      expect(blocks_the_thread(event) { Fiber.new(blocking: true) { reader.gets }.resume }).to eq("hello\n")
    end

    if described_class.respond_to?(:blocking)
      it 'Fiber.blocking blocks the thread' do
        reader, writer = pipe
        expect(blocks_the_thread(-> { writer.puts('hello') }) { described_class.blocking { reader.gets } }).to eq("hello\n")
      end

      it 'fiber storage is inherited by what Fiber.schedule starts' do
        seen = nil
        in_scheduler do
          Fiber.schedule do
            described_class[:request] = 7
            Fiber.schedule { sleep(0) and seen = described_class[:request] }
          end
        end
        expect(seen).to eq(7)
      end
    end

    it 'Fiber.schedule returns a fiber that is not blocking, run up to its first wait' do
      steps = []
      in_scheduler do
        fiber = Fiber.schedule { (steps << Fiber.current.blocking?) and sleep(0) and steps << :later }
        steps << fiber.class << fiber.alive?
      end
      expect(steps).to eq([false, described_class, true, :later])
    end

    it 'Fiber.schedule in a fiber, three deep' do
      order = []
      in_scheduler do
        Fiber.schedule do
          Fiber.schedule { Fiber.schedule { sleep(0) and order << 3 } and order << 2 }
          order << 1
        end
      end
      expect(order).to eq([2, 1, 3])
    end

    it 'fiber-local and thread variables' do
      seen = []
      in_scheduler do
        2.times do |i|
          Fiber.schedule do
            Thread.current[:mine] = i
            sleep 0
            seen << Thread.current[:mine]
          end
        end
      end
      expect(seen).to eq([0, 1])
    end

    it 'Fiber.set_scheduler(nil) finishes what was scheduled, and the thread goes on without' do
      order = in_scheduler do
        [].tap do |log|
          Fiber.schedule { sleep(0.005) and log << :fiber }
          Fiber.set_scheduler(nil)
          log << :root << Fiber.scheduler
        end
      end
      expect(order).to eq([:fiber, :root, nil])
    end

    it 'one scheduler after another in a thread' do
      order = in_scheduler do
        [].tap do |log|
          Fiber.schedule { sleep(0.005) and log << :first }
          Fiber.set_scheduler(Polyphony::Scheduler.new)
          Fiber.schedule { sleep(0.005) and log << :second }
          log << :root
        end
      end
      expect(order).to eq(%i[first root second])
    end
  end
end
