# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP1
      # What becomes of requests that are none, and of those whose handler fails.
      # @api private
      module Failing
        private

        # The end of what the client sends: because it wants it, or because it was too slow (see Phases).
        def ended
          return refuse(ProtocolError.new('the header did not come in time', 408)) if @overdue == :header

          refuse(ProtocolError.new('the header is incomplete')) if @open && @phase == :header
        end

        def failed(error)
          if @hijacked
            @server.log.failure(error, @request)
            raise Takeover::Hijacked
          end
          raise error if error.is_a?(Disconnected)

          if error.is_a?(ProtocolError) && @request.status.nil?
            @refused_request = @request
            raise @refused = error
          end

          @server.log.failure(error, @request)
          apologize(error.is_a?(BadRequest) ? error.status : 500)
        end

        # An answer in place of the handler's, or the end of the connection where that had begun.
        def apologize(status)
          @writer.last!
          @streaming = false
          if @request.status
            @writer.abort if @writer.started?
          else
            respond(@request, status, Answering::PLAIN, Server.message(status))
          end
          @open = false
          flush
        end

        # To what is no request, or is too much.
        def refuse(error)
          log_refusal(error)
          @writer.last!
          if @writer.started?
            @writer.abort
          elsif @request.nil? || @request.status.nil?
            @writer.respond(@refused_request, error.status, Answering::PLAIN, Server.message(error.status))
          end
          flush
          linger
        rescue Disconnected, *Transport.gone
          nil
        end

        # As {#refuse}, when there is an answer already, for a handler that has not read the body. It is taken
        # back if nothing of it has gone out.
        def refuse_instead(error)
          @writer.last!
          log_refusal(error)
          return unless @writer.retract

          @request.status = error.status
          @writer.respond(@request, error.status, Answering::PLAIN, Server.message(error.status))
        end

        def log_refusal(error)
          @server.log.warn("#{peer}: #{error.message} (#{error.status})")
        end

        def peer
          address = peer_address
          address.unix? ? 'unix' : address.inspect_sockaddr
        rescue ::SystemCallError, ::IOError
          'gone'
        end
      end
    end
  end
end
