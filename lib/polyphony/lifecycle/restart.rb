# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Running the block again, under the same handle.
    module Restart
      # @return [Integer] how often it was begun again
      def restarts
        @run
      end

      # @see Polyphony::Fiber#restart
      def restart
        raise Error, "#{fiber.inspect} was not started by spin: there is no block to run again" unless @block

        drop_messages
        return restart_dead if @dead
        return begin_again unless @task.started?

        @restarting = true
        raise request_stop(nil) if current?

        interrupt(request_stop(nil)) unless @stop
      end

      private

      # What was meant for the old run does not reach the new one.
      def begin_again
        @restarting = @now = @hold = false
        @stop = @received = @early = nil
        @run += 1
        notify_stoppers
      end

      def restart_dead
        @parent&.deliver(@failure) if @failure # not yet raised by `await`: it would be lost
        @dead = @restarting = @now = @hold = false
        @result = @failure = @stop = @early = nil
        @run += 1
        @parent = Lifecycle.current if !@parent || @parent.dead? || @parent.elsewhere?
        start(::Fiber.new(blocking: false) { Scheduler.body(self) })
        @parent.adopt(self)
      end
    end
  end
end
