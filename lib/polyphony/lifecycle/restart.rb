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
      private_constant :Again

      # @return [Integer] how often it was begun again
      def restarts
        @run
      end

      # @see Polyphony::Fiber#restart
      def restart
        raise Error, "#{fiber.inspect} was not started by spin: there is no block to run again" unless @block

        drop_messages
        return restart_dead if @dead && claim_dead
        return begin_again unless @task.started? || elsewhere?

        @restarting = true
        raise @stop = Again.new if current?

        interrupt(@stop = Again.new) unless @stop
        restart_late
      end

      private

      # A run that was to end by a restart ends by it, even if it is the next one already.
      def restart_asked_by(stop)
        @restarting = true if stop.is_a?(Again) && !@hold && (@stop.nil? || @stop.equal?(stop))
      end

      def call_off_restart
        @restarting = @hold = false
        @stop = Stop.new(value: @stop.value) if @stop.is_a?(Again)
      end

      # @return [Boolean] whether there is another run although the last one has ended
      def restart_late
        return false unless @dead && @restarting

        asked, @restarting = @restarting, false
        return false unless asked && claim_dead

        restart_dead
        true
      end

      def claim_dead
        dead, @dead = @dead, false
        dead
      end

      # What was meant for the old run does not reach the new one.
      def begin_again
        @restarting = @now = @hold = false
        @stop = @received = @early = nil
        @run += 1
        notify_stoppers
      end

      def restart_dead
        @home&.deliver(@failure) if @failure # not yet raised by `await`: it would be lost
        @dead = @restarting = @now = @hold = false
        @result = @failure = @stop = @early = nil
        @run += 1
        Registry.restore(self) if @names
        @parent = @home = Lifecycle.current unless @home&.open?
        start(::Fiber.new(blocking: false) { Scheduler.body(self) })
        @home.adopt(self)
      end
    end
  end
end
