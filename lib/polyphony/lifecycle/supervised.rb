# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # What a fiber does between two runs while another one supervises it. It is alive meanwhile: it
    # waits for the word of its supervisor in its own fiber, so whoever awaits, stops or sends to it
    # sees one fiber, on one thread, and a parent that ends takes it along.
    #
    #   run ends ──► asks ──► waits until the restart is due ──► next run, in a native fiber of its own
    #                  └────► is told to end: it has ended for good
    module Supervised
      # @return [Supervisor::Child, nil] how its supervisor knows it, while it has one
      attr_accessor :supervision
      # @return [Supervisor, nil] who is told of new children, while this fiber supervises its own
      attr_accessor :supervisor

      # @return [Boolean] whether there is a block to run again
      def restartable? = !@block.nil?

      # @return [Array<Lifecycle>] the live children that are in no scope: a scope sees to its own
      def children_to_supervise = @children ? @children.keys : []

      # @return [Boolean] whether who it belongs to ends: it is not begun again
      def last_run?
        @home&.ending? || @supervision&.closing?
      end

      # Stops the run, as for a restart, but has the fiber wait for its supervisor before the next one.
      # A stop by anybody else calls that off.
      def hold
        return if @dead || (@stop && !@restarting)

        @hold = true
        interrupt(request_stop(nil)) unless @stop
      end

      # Cuts what the `ensure` blocks of a held fiber wait for.
      def cut
        return if @dead

        @now = true
        interrupt(@stop || request_stop(nil))
      end

      private

      # @return [Array(Boolean, Object, Exception)] whether there is to be another run; if not, how
      #   the fiber ended
      def between_runs(result, error)
        child = @supervision
        unless rests?(error)
          child.stopped if @stop
          return [false, result, error]
        end

        @stop = @early = nil
        @restarting = @now = false
        drop_messages
        child.run_ended(result, error, @hold)
        stop = rest(child) || stop_too_late_for_rest
        return [false, stop.value, with_early(nil)] if stop
        return [true, nil, nil] if child.released?

        [false, child.result, with_early(child.error)]
      end

      # What was raised in the fiber between its runs goes with what it ended with.
      def with_early(error)
        errors = [error, @early, *@kept]
        @kept = nil
        first_of(errors)
      end

      # Who was stopped on purpose ends, and so does who would not be restarted anyway.
      def rests?(error)
        @hold || ((@restarting || !@stop) && @supervision.asks?(error))
      end

      # Waits until the supervisor says what is next. What is raised here is for the next run.
      #
      # @return [Stop, nil] that the fiber was told to stop meanwhile
      def rest(child)
        Scheduler.park(:restart, *child.left) while child.resting?
      rescue Stop => e
        return @stop || e unless go_on_after_stop(child)

        retry
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised when the run begins
        @early ? keep(e) : @early = e
        retry
      end

      # Told to stop so that it begins again: it has, and does.
      def go_on_after_stop(child)
        return false unless @hold || @restarting

        child.hurry unless @hold
        @stop = nil
        @restarting = false
        true
      end

      # @return [Stop, nil] that came when it was on its way to the next run
      def stop_too_late_for_rest
        @stop unless @hold || @restarting
      end

      # The next run, in a new native fiber: nothing of the failed one, as fiber-local variables, is
      # in its way.
      def run_anew
        early = @early
        old = @task
        begin_again
        @early = early
        start(::Fiber.new(blocking: false) { begin_anew })
        old.take_pending&.each { |error| interrupt(error) } # from another thread, just now
        scheduler = Scheduler.current
        scheduler.main = @task if scheduler.main == old
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- no memory for a fiber
        finish(nil, e)
      end

      def begin_anew
        @supervision&.begun
        Scheduler.body(self)
      end
    end
  end
end
