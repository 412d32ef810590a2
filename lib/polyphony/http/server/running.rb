# frozen_string_literal: true

module Polyphony
  module HTTP
    class Server
      # What runs while a server does, and what is left to be closed then.
      # @api private
      module Running
        private

        def spin_into(scope)
          @stopper = Stopper.new(self, scope)
          @listeners.each do |listener|
            scope.spin(listener.address) { listener.run { |socket| accepted(listener, socket) } }
          end
          scope.spin(:clock) { keep_time }
          scope.spin(:'access log') { @access_log.keep_writing } if @access_log
        end

        def keep_time
          Polyphony.every(1) do
            now = @clock.tick
            @connections.keys.each { |connection| connection.check_time(now) }
            @hub&.check_time(now)
          end
        end

        def close_listeners
          @binds.each(&:remove_file)
          @listeners.each(&:close)
          nil
        end
      end
      private_constant :Running
    end
  end
end
