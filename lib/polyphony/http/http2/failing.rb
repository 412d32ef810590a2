# frozen_string_literal: true

require_relative '../phases'

module Polyphony
  module HTTP
    module HTTP2
      # What becomes of requests that are none, and of those whose handler fails.
      # @api private
      module Failing
        # Raised in a handler whose client has reset the stream, or is gone, while it waits for something else.
        class GivenUp < Phases::Overdue
          # @return [String]
          def message = 'the client has given up the request, or is gone'
        end

        # RFC 9113, section 7
        INTERNAL_ERROR = 0x2
        private_constant :INTERNAL_ERROR

        private

        # Whether nobody waits for the answer any more, and the handler cannot know: who reads the body, or sends the
        # answer, gets Disconnected, and in a tunnel that is how it ends.
        def given_up?
          return false unless @phase == :handler || (@phase == :stream && @streaming)
          return false if (@request.status && !@streaming) || @senders&.any?

          @exchange.reset_code&.positive? || false
        end

        def give_up
          return if @given_up == @served

          @given_up = @served
          @fiber.raise(GivenUp.new(@served))
        rescue DeadFiber
          nil
        end

        def failed(error)
          return @spoiled = true if error.is_a?(Disconnected)

          if error.is_a?(ProtocolError) && @request.status.nil?
            @refused = error
            log_refusal(error)
            return apologize(error.status)
          end

          @server.log.failure(error, @request)
          apologize(error.is_a?(BadRequest) ? error.status : 500)
        end

        # An answer in place of the handler's, or the end of the stream where that had begun. One that was given whole
        # stays.
        def apologize(status)
          return if @request.status && !@streaming

          @streaming = false
          return if @exchange.finished?
          return @exchange.reset(INTERNAL_ERROR) if @exchange.started?

          @exchange.respond(status, Answering::PLAIN, Server.message(status))
          @request.status = status
        end

        # To what is no request, or is too much.
        def refuse(error)
          log_refusal(error)
          @exchange.respond(error.status, Answering::PLAIN, Server.message(error.status))
          @exchange.release
          @connection.flush
        end

        def log_refusal(error)
          @server.log.warn("#{@connection.peer}: #{error.message} (#{error.status})")
        end
      end
    end
  end
end
