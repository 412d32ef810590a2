# frozen_string_literal: true

require_relative '../body'

module Polyphony
  module HTTP
    module HTTP1
      # The body of the request that is being served.
      # @api private
      module Incoming
        # Seconds that a connection is read on after its last answer, so that the client gets to see that
        # before it learns that nobody read the rest.
        LINGER = 2
        # Bytes, likewise.
        LINGER_BYTES = 1 << 20

        # @return [Body]
        def body_of(request)
          @body ||= Body.new(self, request) if @request.equal?(request)
          raise Error, 'the request is over, and its body gone' unless @request.equal?(request)

          @body
        end

        # @return [Hash]
        def trailers_of(request)
          @request.equal?(request) ? @parser.trailers : {}
        end

        # @return [String, nil] the next piece; nil at the end
        # @raise [ProtocolError, Disconnected]
        # @suspends until there is one
        def read_body(request, max, buffer = nil)
          raise Error, 'the request is over, and its body gone' unless @request.equal?(request)

          until (chunk = @parser.read_body(max, buffer))
            return @input = nil if @parser.complete?

            @parser.feed(more)
          end
          chunk
        end

        private

        def more
          phase = @phase
          send_continue if !@request.status && @request.expect_continue? && @parser.buffered.zero?
          flush if @writer.pending.positive?
          @phase = :body
          @step += 1
          @transport.read(@input ||= ::String.new) || end_of_body
        rescue *Transport.gone => e
          raise Disconnected, "the client went away: #{e.message}"
        ensure
          @phase = phase
        end

        def end_of_body
          late = @overdue == :body
          @overdue = nil # what comes now has its limits, too
          raise ProtocolError.new('the body did not come in time', 408) if late

          @incomplete = @request.status.nil?
          raise Disconnected, 'the client went away before the end of the body'
        end

        def send_continue
          return if @continued.equal?(@request)

          @continued = @request
          @writer.inform(@request, 100)
        end

        # Before an answer is made: whether what is left of the body is too much to be read for nothing.
        def unwanted_body?
          remaining = @parser.remaining
          (@request.expect_continue? && !@continued.equal?(@request)) ||
            (remaining ? remaining > (@limits.drain_bytes || 0) : false)
        end

        # The handler has left it unread.
        def skip_body
          return unless @writer.keep_alive?

          left = @limits.drain_bytes || 0
          buffer = +''
          while (chunk = read_body(@request, 16_384, buffer))
            next unless (left -= chunk.bytesize).negative?

            @writer.last!
            return
          end
        rescue ProtocolError => e
          refuse_instead(e)
        rescue Disconnected, *Transport.gone
          @writer.last!
        end

        # To close while unread bytes wait would reset the connection and could destroy the answer.
        def linger
          @phase = :linger
          @transport.close_write
          left = LINGER_BYTES
          buffer = ::String.new # the same for all: this is for clients that send much
          Polyphony.move_on_after(LINGER) do
            while (data = @transport.discard(buffer))
              break if (left -= data.bytesize).negative?
            end
          end
        end
      end
    end
  end
end
