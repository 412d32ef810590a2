# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Running the block: start, end, stop, restart.
    module Run
      # Queues the first run, in +fiber+.
      def start(fiber)
        @fiber ||= fiber
        @task = Scheduler.current.spawn(fiber, self)
      end

      # What the native fiber does, all of it. Raises nothing.
      def run
        result = error = nil
        loop do
          result, error = run_once
          error = end_children(error)
          break if error || !@restarting

          begin_again
        end
        finish(result, error || leftover)
      ensure
        Scheduler.leave
      end

      # @see Polyphony::Fiber#stop
      def stop(value, now)
        return if @dead
        raise request_stop(value) if current?

        if !@stop
          interrupt(request_stop(value))
        elsif @restarting # the old run unwinds already: only there will be no new one
          request_stop(value)
        elsif now
          interrupt(@stop)
        end
        @restarting = false
        wait_until_dead
      end

      # Tells the run to end without waiting for it.
      def stop_soon
        interrupt(request_stop(nil)) unless @dead || @stop
      end

      # @see Polyphony::Fiber#restart
      def restart
        raise Error, "#{fiber.inspect} was not started by spin: there is no block to run again" unless @block

        @mailbox&.clear
        return restart_dead if @dead
        return @stop = nil unless @task.started?

        @restarting = true
        raise request_stop(nil) if current?

        interrupt(request_stop(nil)) unless @stop
      end

      # A run that could not be started, or the end of a fiber that is not ours to run.
      # @return [Exception, nil] the error, for the scheduler to pass on
      def finish_foreign(error)
        error = end_children(error)
        if @block
          finish(nil, error)
          nil
        else
          bury(nil, error)
          error
        end
      end

      private

      def run_once
        return stopped_before_start if @stop

        [@block.call, nil]
      rescue Stop => e
        [@stop ? @stop.value : e.value, nil]
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- handed to parent and awaiters
        [nil, Backtrace.complete(e, self)]
      end

      # What was meant for the old run does not reach the new one.
      def begin_again
        @restarting = false
        @stop = nil
        @task.take_pending
      end

      # An error of a child that came when the block had nothing left to wait for.
      def leftover
        @task.take_pending&.find { |error| !error.is_a?(Stop) && !error.is_a?(Cancel) }
      end

      def stopped_before_start
        [@stop.value, nil]
      end

      def request_stop(value)
        @stop = Stop.new(value: value)
      end

      # Children first, then this fiber is over and everybody concerned knows.
      def finish(result, error)
        bury(result, error)
        @parent&.child_finished(self)
      end

      def bury(result, error)
        @result = result
        @error = error
        @dead = true
        @stop = nil
        notify_awaiters
      end

      def restart_dead
        @dead = false
        @result = @error = @stop = nil
        @restarting = false
        @parent = Lifecycle.current if !@parent || @parent.dead?
        @parent.adopt(self)
        start(::Fiber.new(blocking: false) { run })
      end
    end
  end
end
