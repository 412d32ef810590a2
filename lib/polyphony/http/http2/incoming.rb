# frozen_string_literal: true

require_relative '../body'

module Polyphony
  module HTTP
    module HTTP2
      # The body of the request that is being served.
      # @api private
      module Incoming
        # @return [Body]
        def body_of(request)
          @body ||= Body.new(self, request) if @request.equal?(request)
          raise Error, 'the request is over, and its body gone' unless @request.equal?(request)

          @body
        end

        # @return [Hash]
        def trailers_of(request)
          @request.equal?(request) && @exchange.complete? ? @exchange.trailers : {}
        end

        # @return [String, nil] the next piece; nil at the end
        # @raise [ProtocolError, Disconnected]
        # @suspends until there is one
        def read_body(request, max, buffer = nil)
          raise Error, 'the request is over, and its body gone' unless @request.equal?(request)

          until (chunk = @exchange.read_body(max, buffer))
            return if @exchange.complete?

            wait_for_body
          end
          @connection.flush if @session.output? # the window has opened again
          chunk
        end

        private

        def wait_for_body
          raise gone if @exchange.closed?

          phase = @phase
          send_continue if @request.status.nil? && @request.expect_continue? && @exchange.buffered.zero?
          @connection.flush
          @phase = :body
          @step += 1
          Scheduler.park(:'the body of a request')
          check_overdue
        ensure
          @phase = phase
        end

        def check_overdue
          return unless @overdue == :body

          @overdue = nil # what comes now has its limits, too
          raise ProtocolError.new('the body did not come in time', 408)
        end

        def send_continue
          return if @continued.equal?(@request)

          @continued = @request
          @exchange.inform(100)
        end

        def gone
          Disconnected.new('the client has given up the request, or is gone')
        end
      end
    end
  end
end
