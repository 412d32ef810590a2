# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Running the block: start, stop. How it ends is in {Ending}.
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
          error = wind_up(error)
          break if error || !@restarting || !again?

          begin_again
        end
        again, result, error = between_runs(result, error) if @supervision
        finished = true
        again ? run_anew : finish(result, error)
      ensure # after Thread#kill
        finish_killed unless finished
      end

      # @see Polyphony::Fiber#stop
      def stop(value, now)
        return if @dead
        raise request_stop(value) if current?

        run = @run
        ask_to_stop(value, run)
        call_off_restart
        stop_now if now
        wait_for_run(run)
      end

      # Tells the run to end without waiting for it.
      def stop_soon
        return if @dead

        interrupt(request_stop(nil)) unless @stop
        call_off_restart
      end

      # As {#stop_soon}, and cuts what its `ensure` blocks wait for, too.
      def stop_now
        return if @dead

        @now = true
        call_off_restart
        interrupt(@stop || request_stop(nil))
      end

      # @return [Boolean] whether it has been told to stop
      def stopping?
        !@stop.nil?
      end

      # @param error [Exception] raised at the current or next wait; instead of the block, before it runs
      # @return [Boolean] false when there is no run to raise it in
      def interrupt(error)
        return false if @dead

        task = @task
        return true if @block && !task.started? && interrupt_start(task, error)

        task.interrupt(error) && !(@dead && withdraw(task, error))
      end

      private

      def run_once
        raise @early if @early

        [@block.call, nil]
      rescue Stop => e
        restart_asked_by(e)
        [@stop ? @stop.value : e.value, nil]
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- handed to parent and awaiters
        [nil, Backtrace.complete(e, self)]
      end

      # @return [Boolean] false if it has started just now, on another thread, and may not have seen it
      def interrupt_start(task, error)
        @early ? keep(error) : @early = error
        !task.started?
      end

      def ask_to_stop(value, run)
        return interrupt(request_stop(value)) unless @stop
        return unless @restarting || @hold

        stop = request_stop(value) # the old run unwinds already: only there will be no new one
        interrupt(stop) unless @run == run # but it began just now
      end

      def request_stop(value)
        @stop = Stop.new(value: value)
      end
    end
  end
end
