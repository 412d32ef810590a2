# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # How it ends.
      #
      #   we close: our close frame → messages are dropped until the client's → end
      #   it closes: its close frame → ours → end; its fault: our close frame → end; it is gone: end, with 1006
      #
      # After the end we send no more, and read on for a moment: to close a connection with bytes unread would
      # destroy what is on its way.
      module Closing
        # Closes it: what was sent before goes out, then a close frame. Whoever receives gets nil, as soon as the
        # client has answered, or `close_timeout` is over.
        #
        # @param code [Integer] 1000, 1001, 1003, 1007 to 1014, 3000 to 4999
        # @param reason [String] for the client, of at most 123 bytes
        # @return [nil]
        # @raise [ArgumentError] for a code that must not be sent, or a reason that is too long or not UTF-8
        # @suspends no
        def close(code = 1000, reason = '')
          frame = close_frame(code, reason)
          send_close(frame) unless @close_sent || @ended
          nil
        end

        # @return [Boolean] whether nothing can be sent any more
        # @suspends no
        def closed? = @ended || @close_sent || @outbox.broken? ? true : false

        # Calls the block, and closes.
        # @api private
        def run
          @hub.add(self)
          yield self
        rescue ::StandardError => e
          close(1011) unless e.is_a?(Disconnected)
          raise
        rescue ::Exception # rubocop:disable Lint/RescueException -- it is stopped
          close(1001)
          @hurried = true
          raise
        ensure
          part
        end

        # Seconds for the client to close its side, when all is said.
        LINGER = 2
        # Codes that may be sent; others stand for what happens without a close frame, or for nothing.
        CODES = [1000..1003, 1007..1014, 3000..4999].freeze
        private_constant :LINGER, :CODES

        private

        def close_frame(code, reason)
          unless code.is_a?(::Integer) && CODES.any? { |range| range.cover?(code) }
            raise ::ArgumentError, "#{code.inspect} must not be sent: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may"
          end

          reason = Frame.utf8(reason)
          raise ::ArgumentError, "a reason may have 123 bytes, not #{reason.bytesize}" if reason.bytesize > 123

          WebSocket.encode(Frame::CLOSE, [code, reason].pack('na*'), false)
        end

        def send_close(frame)
          @outbox.push(frame)
          @close_sent = true
          @close_by = @hub.now + @options.close_timeout
        end

        def closed_by_client
          code = @decoder.code
          reason = @decoder.payload
          ended(code, reason)
          send_close(close_frame(code == 1005 ? 1000 : code, reason)) unless @close_sent
          nil
        end

        # The client has done what it must not.
        def fail_with(code, reason)
          @hub.log("websocket: #{peer}: #{reason} (#{code})")
          ended(code, reason)
          send_close(close_frame(code, reason)) unless @close_sent
          nil
        end

        def gone
          ended(1006, @cut || 'the client went away')
          @outbox.break_off
        end

        def ended(code, reason)
          @close_code = code
          @close_reason = reason
          @ended = true
          nil
        end

        # The client kept too little pace.
        def too_slow
          return if @close_sent || @ended

          @hub.log("websocket: #{peer}: #{pending} bytes wait to be sent, which is more than may (1013)")
          close(1013, 'too slow')
        end

        def peer
          address = @request.remote_ip
          "#{address.empty? ? 'unix' : address} #{@request.path}"
        end

        def part
          close
          finish unless @hurried
        ensure
          leave
        end

        # The rest of the closing handshake.
        # @suspends until it is over, or `close_timeout` is
        def finish
          receive until @ended
          @outbox.drain
          linger unless @outbox.broken?
        end

        def linger
          @lingers = true
          @close_by = @hub.now + [@options.close_timeout, LINGER].min
          @link.close_write
          buffer = ::String.new
          nil while @link.discard(buffer)
        rescue Disconnected, *Transport.gone
          nil
        end

        def leave
          @topics&.each { |topic| @hub.unsubscribe(self, topic) }
          @hub.remove(self)
          @outbox.flush # what goes without waiting
          @outbox.abandon
          @deflate&.close
          ended(1006, @cut || 'the connection was cut') unless @ended
        end
      end
    end
  end
end
