# frozen_string_literal: true

require_relative '../stopper'

module Polyphony
  module HTTP
    class Server
      # How a server ends.
      module Stopping
        # Takes no new connection, lets requests finish, then cuts what is left. Any fiber of any thread may call
        # it; in handlers, of requests and of signals, it comes back at once.
        #
        # @param grace [Numeric, nil] seconds for the requests under way; nil: without limit
        # @return [nil]
        # @suspends until the server has stopped
        def stop(grace: 30)
          return never_run unless @running
          return @stopper.stop(grace) if @stopper.needed?

          @draining = true
          @binds.each(&:remove_file)
          @listeners.each(&:finish)
          @connections.each_key(&:drain)
          @hub&.drain
          Polyphony.move_on_after(grace) { wait_for_connections }
          @log.warn("#{@open} connections were cut when the server stopped") if @open.positive?
          @scope.stop
          nil
        end

        # @return [Boolean] whether {#stop} was called
        # @suspends no
        def draining? = @draining ? true : false

        private

        def never_run
          @draining = true
          close_listeners
        end

        def wait_for_connections
          @idle = Lifecycle.current
          Scheduler.park(:connections) until @open.zero?
        ensure
          @idle = nil
        end
      end
    end
  end
end
