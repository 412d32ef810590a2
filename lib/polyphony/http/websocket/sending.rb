# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # Sending.
      module Sending
        # Sends a message: a String in BINARY as binary, any other as text.
        #
        # @param message [String, Frame] see {.frame}
        # @return [self]
        # @raise [Polyphony::HTTP::WebSocket::Closed] when it is closed
        # @raise [ArgumentError] for a text that cannot be UTF-8
        # @raise [TypeError] for what is no String
        # @suspends while more than `buffer` bytes wait to be sent. A message is as good as sent when this waits: an
        #   interruption does not take it back
        def <<(message)
          transmit(frame_of(message))
        end

        # Sends a text.
        #
        # @param text [String] what is not UTF-8 is converted; BINARY is taken for UTF-8
        # @return [self]
        # @raise [Polyphony::HTTP::WebSocket::Closed, ArgumentError, TypeError] see {#<<}
        # @suspends as {#<<}
        def text(text)
          transmit(Frame.pack(Frame::TEXT, Frame.utf8(text), @deflate))
        end

        # Sends bytes.
        #
        # @param bytes [String] in whatever encoding
        # @return [self]
        # @raise [Polyphony::HTTP::WebSocket::Closed, TypeError] see {#<<}
        # @suspends as {#<<}
        def binary(bytes)
          transmit(Frame.pack(Frame::BINARY, Frame.string(bytes), @deflate))
        end

        # Sends a ping. {Request#websocket} does so by itself when a client is silent: see `ping:` there.
        #
        # @param payload [String] of at most 125 bytes
        # @return [self]
        # @raise [Polyphony::HTTP::WebSocket::Closed] when it is closed
        # @raise [ArgumentError] for a longer payload
        # @suspends as {#<<}
        def ping(payload = '')
          raise ::ArgumentError, "a ping may have 125 bytes, not #{payload.bytesize}" if payload.bytesize > 125

          transmit(WebSocket.encode(Frame::PING, payload, false))
        end

        # @return [Integer] bytes that wait to be sent
        # @suspends no
        def pending = @outbox.bytes

        private

        def frame_of(message)
          return message.bytes if message.is_a?(Frame)
          return Frame.pack(Frame::BINARY, message, @deflate) if Frame.string(message).encoding == ::Encoding::BINARY

          Frame.pack(Frame::TEXT, Frame.utf8(message), @deflate)
        end

        def transmit(bytes)
          check_open
          @outbox.push(bytes)
          return self unless @outbox.full?

          if @options.overflow == :close
            too_slow
            check_open
          end
          @outbox.wait_for_room
          self
        end

        def check_open
          raise Closed.new(@close_code, @close_reason) if @ended || @close_sent || @outbox.broken?
        end
      end
    end
  end
end
