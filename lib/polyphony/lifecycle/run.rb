# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Running the block: start, end, stop.
    module Run
      # Queues the first run, in +fiber+.
      def start(fiber)
        @fiber ||= fiber
        @task = Scheduler.current.spawn(fiber, self)
      end

      # What the native fiber does, all of it. Raises nothing.
      def run
        finished = false
        while true # rubocop:disable Style/InfiniteLoop -- `loop` would cost a block
          result, error = run_once
          Scheduler.current # notices a fork: then there is no parent and no child
          error = raise_late(end_children(error))
          break if error || @hold || !@restarting

          begin_again
        end
        again, result, error = between_runs(result, error) if @supervision
        finished = true
        again ? run_anew : finish(result, error)
      ensure
        finish(nil, nil) unless finished # Thread#kill
      end

      # @see Polyphony::Fiber#stop
      def stop(value, now)
        return if @dead
        raise request_stop(value) if current?

        run = @run
        if !@stop
          interrupt(request_stop(value))
        elsif @restarting || @hold # the old run unwinds already: only there will be no new one
          request_stop(value)
        end
        @restarting = @hold = false
        stop_now if now
        wait_for_run(run)
      end

      # Tells the run to end without waiting for it.
      def stop_soon
        return if @dead

        interrupt(request_stop(nil)) unless @stop
        @restarting = @hold = false
      end

      # As {#stop_soon}, and cuts what its `ensure` blocks wait for, too.
      def stop_now
        return if @dead

        @now = true
        @restarting = @hold = false
        interrupt(@stop || request_stop(nil))
      end

      # @return [Boolean] whether it has been told to stop
      def stopping?
        !@stop.nil?
      end

      # A run that could not be started, or the end of a fiber that is not ours to run.
      # @return [Exception, nil] the error, for the scheduler to pass on
      def finish_foreign(error)
        error = end_children(error)
        unless @block
          bury(nil, error)
          return error
        end

        # That a fiber which was never to run could not be started is no error.
        @stop ? finish(@stop.value, nil) : finish(nil, error)
        nil
      end

      # @param error [Exception] raised at the current or next wait; instead of the block, before it runs
      # @return [Boolean] false when there is no run to raise it in
      def interrupt(error)
        return false if @dead
        return @task.interrupt(error) if !@block || @task.started?

        @early ||= error
        true
      end

      private

      def run_once
        raise @early if @early

        [@block.call, nil]
      rescue Stop => e
        [@stop ? @stop.value : e.value, nil]
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- handed to parent and awaiters
        [nil, Backtrace.complete(e, self)]
      end

      # Errors that came when the block had nothing left to wait for: the first is the fiber's, if
      # it has none so far.
      def raise_late(error)
        @task.take_pending&.each do |late|
          next if late.is_a?(Stop)

          error ? Failure.report(late, self) : error = Backtrace.complete(late, self)
        end
        error
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
        @failure = error && failure_of(error)
        @dead = true
        @stop = @mailbox = @received = nil
        @supervision&.gone
        notify_awaiters
        notify_stoppers
        wake_senders
      end
    end
  end
end
