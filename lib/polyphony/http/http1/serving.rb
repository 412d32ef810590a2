# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP1
      # What becomes of a request that has come.
      # @api private
      module Serving
        private

        # The hot path: few calls, no clock, no object that the handler has not asked for.
        def serve(request)
          @request = request
          @served += 1
          @writer.last! if @served >= @most
          flush_while_waiting if @batched
          @started_at = Polyphony.now if @access_log
          @phase = :handler
          @handler.call(request)
          @parser.settled?(request) ? @batched = true : conclude
        rescue Phases::Overdue => e
          raise unless e.exchange == @served

          timed_out
        rescue Stop, Takeover::Hijacked, ::SignalException
          raise # not the handler's doing: the connection ends
        rescue ::SystemExit => e
          leave(e)
        rescue ::Exception => e # rubocop:disable Lint/RescueException -- no request ends the server
          failed(e)
        else
          late if @overdue
        ensure
          log_access if @access_log
          @request = @body = nil
          request.over
        end

        # The handler has returned.
        def conclude
          raise Takeover::Hijacked if @hijacked

          finish_answer if @streaming || @request.status.nil?
          skip_body unless @parser.complete?
          @open = false unless @writer.keep_alive?
          @batched = true
          flush if !@open || @writer.pending > FLUSH_ABOVE
        end

        def log_access
          @access_log.write(@request, @request.status || @refused&.status || 0, @sent, Polyphony.now - @started_at)
        end

        # Bytes of answers to pipelined requests that are kept for one write; see Parser#settled?, too.
        FLUSH_ABOVE = 65_536
        private_constant :FLUSH_ABOVE
      end
      private_constant :Serving
    end
  end
end
