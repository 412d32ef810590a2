# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # One request: the handler is called, and has answered when it returns.
      # @api private
      module Serving
        private

        # The hot path: few calls, no clock, no object that the handler has not asked for.
        def serve(request)
          @request = request
          @body = nil
          @served += 1
          @connection.send_for_fiber if @session.waiting?
          @started_at = Polyphony.now if @access_log
          @phase = :handler
          @handler.call(request)
          conclude(request)
        rescue Phases::Overdue => e
          raise unless e.exchange == @served

          @spoiled = true
          timed_out unless e.is_a?(Failing::GivenUp)
        rescue Stop, ::SignalException
          raise # not the handler's doing: the connection ends
        rescue ::SystemExit => e
          leave(e)
        rescue ::Exception => e # rubocop:disable Lint/RescueException -- no request ends the server
          failed(e)
        ensure
          finish_request
        end

        # The handler has returned.
        def conclude(request)
          await_tunnel if @given_away
          finish_answer if @streaming || request.status.nil?
        end

        def finish_request
          log_access if @access_log && @request
          @request = nil
          in_time if @overdue || @given_up == @served
          @streaming = @given_away = @tunnel = nil
          @phase = :idle
          @exchange.release
          @connection.flush
        end

        # What was to end the handler has come too late, and must not strike what comes next.
        def in_time
          late
          @overdue = nil
        end

        def log_access
          @access_log.write(@request, @request.status || @refused&.status || 0, @sent, Polyphony.now - @started_at)
        end
      end
    end
  end
end
