# frozen_string_literal: true

module Polyphony
  module HTTP
    class EventStream
      # What is looked after once a second, for all streams together (see Hub): is the client there still? Who
      # only waits for news would never learn that nobody reads them any more.
      module Keeping
        # @param now [Float]
        # @return [void]
        # @api private
        # @suspends no
        def check_time(now)
          return gone if @request.context.client_gone?
          return if @keep_alive.nil? || now - @sent < @keep_alive || @lock.locked?

          @sent = now
          @hub.spin(:'keep-alive') { keep_alive }
        end

        # The server stops: the client is to come again, to another one.
        # @api private
        # @suspends no
        def drain
          @scope.cancel
        end

        private

        def gone
          @gone = true
          @scope.cancel
        end

        def keep_alive
          comment unless @closed
        rescue Disconnected, ResponseError
          gone
        end
      end
      private_constant :Keeping
    end
  end
end
