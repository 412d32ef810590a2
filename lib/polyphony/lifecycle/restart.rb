# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Running the block again, under the same handle.
    #
    # Another thread may ask for it at the very moment the run ends. Both sides then look whether the other
    # has missed it, and what only one of them may do is claimed in one step, within which Ruby runs no other thread.
    module Restart
      # Ends a run that is to be followed by another.
      class Again < Stop; end
      # Ends one that was to be followed by another, and is not any more.
      class Final < Stop; end
      private_constant :Again, :Final

      # @return [Integer] how often it was begun again
      def restarts
        @run
      end

      # @see Polyphony::Fiber#restart
      def restart
        raise Error, "#{fiber.inspect} was not started by spin: there is no block to run again" unless @block

        drop_messages
        return (restart_dead if claim_dead) if @dead

        @task.started? || elsewhere? ? restart_live : begin_at_first
      end

      private

      def restart_live
        @restarting = true
        raise @stop = Again.new if current?

        interrupt(@stop = Again.new) unless @stop
        restart_late
      end

      # A run that was to end by a restart ends by it, even if it is the next one already.
      def restart_asked_by(stop)
        @restarting = true if stop.is_a?(Again) && !@hold && (@stop.nil? || @stop.equal?(stop))
      end

      def call_off_restart
        run = @run
        @restarting = @hold = false
        again = @stop
        return unless again.is_a?(Again)

        @stop = stop = Final.new(value: again.value)
        interrupt(stop) unless @run == run # too late for that: end the next run
      end

      # @param run [Integer] the one whose end is looked at, on its own thread; another may have ended elsewhere since
      # @return [Boolean] whether there is another run although the last one has ended
      def restart_late(run = nil)
        return false unless @dead && @restarting && claim_dead
        return @reviving = false unless @restarting && (run || @run) == @run

        restart_dead
        true
      end

      # @return [Boolean] for the one that is to run it again
      def claim_dead
        free, @reviving = !@reviving, true
        return false unless free

        @dead || (@reviving = false) # somebody has had it run again meanwhile
      end

      # The first run has not begun: it begins after all if it was to be stopped, unless the parent ends.
      # Errors that were to be raised in it are the parent's.
      def begin_at_first
        return if @home&.ending?

        early = [@early, *@kept].reject { |error| error.nil? || error.is_a?(Stop) }
        @kept = nil
        begin_again
        early.each { |error| @home&.deliver(Failure.new(error)) }
      end

      # What was meant for the old run does not reach the new one.
      def begin_again
        stop = next_run
        @restarting = @now = @hold = false
        @received = @early = nil
        notify_stoppers
        interrupt(@stop = stop) if stop.is_a?(Final) # too late to keep the run from beginning
      end

      # In one step: other threads look at the one to know about the other.
      #
      # @return [Stop, nil] what ended the run before
      def next_run
        @run, stop, @stop = @run + 1, @stop, nil
        stop
      end

      def leave_last_run
        @home&.deliver(@failure) if @failure && !@supervision # not yet raised by `await`: it would be lost
        next_run
        @restarting = @now = @hold = false
        @early = nil
        Registry.restore(self) if @names
      end

      def restart_dead
        leave_last_run
        @parent = @home = Lifecycle.current unless @home&.open?
        start(::Fiber.new(blocking: false) { Scheduler.body(self) })
        @dead = false # not before there is a run that can be stopped
        @result = @failure = nil
        @stop&.then { |stop| interrupt(stop) } # just now, and found no run
        @home.adopt(self)
        @supervision&.resume
      ensure
        @reviving = false
      end
    end
  end
end
