# frozen_string_literal: true

module Bench
  module Adapters
    # Where one contender of one row runs, and the stopwatch.
    class Stage
      Failure = Class.new(StandardError)

      # @return [Integer] fibers, or threads, that do the operation at the same time
      attr_reader :units

      def initialize(row, contender, seconds:)
        @row = row
        @contender = contender
        @seconds = seconds
        @units = row.units
        @at_end = []
      end

      # What is to be done in the end, unmeasured.
      def at_end(&block) = @at_end << block

      # @return [Hash] rate (operations a second), cpu_us (microseconds of CPU for each), n
      def measure
        figures = nil
        Runtime.run(@contender.on) do
          operation = @contender.prepare.call(self)
          figures = timed(operation, calibrated(operation))
        ensure
          @at_end.reverse_each(&:call)
        end
        figures || raise(Failure, 'did not run to its end')
      end

      private

      # Rounds of each unit that fill the time; finding them also warms everything up.
      def calibrated(operation)
        rounds = 4
        loop do
          wall = pass(operation, rounds)
          return [(rounds * @seconds / wall).to_i, 1].max if wall > @seconds * 0.15

          rounds = (rounds * (@seconds * 0.3 / wall).clamp(2, 20)).to_i
        end
      end

      def timed(operation, rounds)
        GC.start
        cpu = clock(:CPU)
        wall = pass(operation, rounds)
        cpu = clock(:CPU) - cpu
        count = rounds * @units
        { n: count, rate: count / wall, cpu_us: cpu / count * 1e6 }
      end

      # @return [Float] seconds
      def pass(operation, rounds)
        last = Array.new(@units)
        start = clock(:WALL)
        Runtime.together(@contender.on, @units) do |unit|
          left = rounds
          while left.positive?
            last[unit] = operation.call(unit)
            left -= 1
          end
        end
        (clock(:WALL) - start).tap { verify(last) }
      end

      def verify(values)
        wrong = values.find { |value| !@row.check.call(value) }
        raise Failure, "a wrong result: #{wrong.inspect[0, 80]}" if values.any? { |value| !@row.check.call(value) }
      end

      def clock(which)
        Process.clock_gettime(which == :CPU ? Process::CLOCK_PROCESS_CPUTIME_ID : Process::CLOCK_MONOTONIC)
      end
    end

    # How units are started and waited for.
    module Runtime
      module_function

      # Runs the block in a fiber (or thread) of the runtime; an error of it is raised.
      def run(name, &block)
        case name
        when :polyphony then require('polyphony/core') && Polyphony.run(&block)
        when :polyphony_stock then require('polyphony/scheduler') && stock(&block)
        when :async then require('async') && Sync { block.call }
        when :threads then yield
        end
      end

      # Runs the block in so many at the same time; returns when all have ended.
      def together(name, count, &block)
        case name
        when :polyphony then Polyphony::Fiber.await(*Array.new(count) { |unit| Polyphony.spin { block.call(unit) } })
        when :polyphony_stock then scheduled(count, &block)
        when :async then Array.new(count) { |unit| Async::Task.current.async { block.call(unit) } }.each(&:wait)
        when :threads then Array.new(count) { |unit| Thread.new { block.call(unit) } }.each(&:join)
        end
      end

      def stock
        failed = nil
        Thread.new do
          Fiber.set_scheduler(Polyphony::Scheduler.new)
          Fiber.schedule { yield } # rubocop:disable Style/ExplicitBlockArgument
        rescue Exception => e # rubocop:disable Lint/RescueException -- raised below
          failed = e
        end.join
        raise failed if failed
      end

      def scheduled(count)
        done = Thread::Queue.new
        count.times do |unit|
          Fiber.schedule do
            yield unit
            done << nil
          rescue Exception => e # rubocop:disable Lint/RescueException -- raised below
            done << e
          end
        end
        count.times { (error = done.pop) && raise(error) }
      end
    end
  end
end
