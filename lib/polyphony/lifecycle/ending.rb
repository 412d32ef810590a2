# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # The end of a run, and of a fiber: what is left of it ends first.
    module Ending
      # A run that could not be started, or the end of a fiber that is not ours to run.
      # @return [Exception, nil] the error, for the scheduler to pass on
      def finish_foreign(error)
        error = wind_up(error)
        unless @block
          bury(nil, error)
          @supervision&.gone
          return error
        end

        # That a fiber which was never to run could not be started is no error.
        @stop ? finish(@stop.value, nil) : finish(nil, error)
        nil
      end

      private

      # The block is done. What it opened and spun ends now.
      #
      # @return [Exception, nil] what the run has failed with
      def wind_up(error)
        Scheduler.current # notices a fork: then there is no parent and no child
        @scopes.dup.each(&:abandon) if @scopes
        error = end_children(error) if @children
        raise_late(error)
      end

      # @return [Boolean] whether another run is to follow at once
      def again?
        return false if @hold || !@restarting
        return true unless last_run?

        call_off_restart
        false
      end

      # Errors that were kept for the end, and those that came when the block had nothing left to wait for.
      # One of them all is the fiber's. That it was told to stop is none: it has ended.
      def raise_late(error)
        pending = @task.take_pending
        error = nil if error.is_a?(Stop)
        pending || @kept ? first_of(late_errors(error, pending)) : error
      end

      # In the order they came. What is kept came before the block failed, unless that was before its start.
      def late_errors(error, pending)
        kept, @kept = @kept, nil
        early = error if error.equal?(@early)
        [early, *kept, error, *pending]
      end

      def first_of(errors)
        unwinding = Unwinding.new(self)
        errors.each { |error| unwinding.add(error) unless error.nil? || error.is_a?(Stop) }
        unwinding.outcome&.then { |error| Backtrace.complete(error, self) }
      end

      # Children first, then this fiber is over and everybody concerned knows.
      def finish(result, error)
        home = @home # a restart by another thread may give it others any moment
        task = @task
        run = @run
        @restarting = false if error
        bury(result, error)
        report_withdrawn(task)
        return if @restarting && restart_late(run)

        home&.child_finished(self)
        @supervision&.gone
      end

      def bury(result, error)
        @result = result
        @failure = error && failure_of(error)
        @dead = true
        @stop = @mailbox = @received = nil
        notify_awaiters
        notify_stoppers
        disconnect
        Roots.remove(self) unless @block
      end
    end
  end
end
