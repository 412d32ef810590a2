# frozen_string_literal: true

require_relative 'locals'

module Polyphony
  class ThreadPool
    # One block to run, and who waits for it.
    class Job
      # What the program need not see in a backtrace.
      INTERNAL = "#{::File.expand_path('../..', __dir__)}/"
      private_constant :INTERNAL

      # Two threads at a time have to do with a job: for so short, all jobs can share one.
      LOCK = Exclusion.new
      private_constant :LOCK

      # @param block [Proc]
      # @param on_error [#call, nil] nobody waits: gets an error
      # @raise [ArgumentError] without a block
      def initialize(block, on_error: nil)
        raise ::ArgumentError, 'a block is required' unless block

        @block = block
        @on_error = on_error
        @locals = Locals.new
        @claimed = @done = false
      end

      # @return [Boolean]
      def done? = @done

      # @return [Boolean] whether the caller is the one to run it, or to drop it
      def claim
        LOCK.synchronize { !@claimed && (@claimed = true) }
      end

      # On a worker, which has nothing else to do.
      # @return [void]
      def work
        run { @locals.with { @block.call } } if claim
      end

      # @return [self]
      def run
        @error = Error.new('the job ended its worker thread') # unless one of the next lines is reached
        @value = block_given? ? yield : @block.call
        @error = nil
        self
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised in who waits
        @error = e
        self
      ensure
        finish
      end

      # @param error [Exception] it is not run any more, and this is what who waits gets
      def drop(error)
        return unless claim

        @error = error
        finish
      end

      # Who waited has gone. An error is not lost for it.
      # @param on_error [#call]
      def abandon(on_error)
        return if claim

        late = LOCK.synchronize do
          @on_error ||= on_error
          @done
        end
        report if late
      end

      # @return [String] the reason of who waits for it
      # @suspends no
      def to_s
        "thread pool job #{@block.source_location&.join(':') || '(native)'}"
      end

      # @return [Object] the block's value
      # @suspends until the job is done
      def await
        @task = Scheduler.task
        Scheduler.park(self) until @done
        value
      end

      # @return [Object] the block's value, once it is done
      # @raise [Exception] what the block raised
      # @suspends no
      def value
        return @value unless @error

        extend_backtrace(::Kernel.caller(1))
        raise @error, cause: @error.cause # else it would take on what is rescued here just now
      end

      private

      def finish
        reported = LOCK.synchronize do
          @done = true
          @on_error
        end
        @task&.wake
        report if reported
      end

      def report
        @on_error.call(@error) if @error
      rescue ::StandardError => e
        warn("Polyphony::ThreadPool: on_error: failed: #{e.full_message(highlight: false)}")
      end

      # Who reads it wants to know whose job it was. A backtrace that was set is left as it is: the same object
      # may be raised in many jobs.
      def extend_backtrace(caller)
        lines = @error.backtrace
        return if lines.nil? || @error.frozen? || lines.size != @error.backtrace_locations&.size

        @error.set_backtrace((lines + caller).reject { |line| line.start_with?(INTERNAL) })
      end
    end
    private_constant :Job
  end
end
