# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # A message as the bytes that are sent, to be sent to many: a server's frames are the same for all clients.
      class Frame
        # Opcodes.
        TEXT = 1
        # Opcodes.
        BINARY = 2
        # Opcodes.
        CLOSE = 8
        # Opcodes.
        PING = 9
        # Opcodes.
        PONG = 10

        # @return [String] in BINARY, frozen
        attr_reader :bytes

        # @param message [String] in BINARY for a binary message
        # @raise [ArgumentError, TypeError] see {WebSocket#<<}
        def initialize(message)
          binary = Frame.string(message).encoding == ::Encoding::BINARY
          @bytes = WebSocket.encode(binary ? BINARY : TEXT, binary ? message : Frame.utf8(message), false)
          freeze
        end

        # @return [String]
        def inspect = "#<#{self.class} #{bytes.bytesize} bytes>"

        # @param opcode [Integer]
        # @param payload [String]
        # @param deflate [Deflate, nil]
        # @return [String] a frame
        # @api private
        def self.pack(opcode, payload, deflate)
          return WebSocket.encode(opcode, payload, false) unless deflate&.worth?(payload)

          WebSocket.encode(opcode, deflate.deflate(payload), true)
        end

        # @return [String] +value+
        # @raise [TypeError] unless it is one
        # @api private
        def self.string(value)
          return value if value.is_a?(::String)

          raise ::TypeError, "a message must be a String, not #{value.class}: encode it, as by JSON"
        end

        # @return [String] +text+ in UTF-8
        # @raise [ArgumentError] when that cannot be
        # @api private
        def self.utf8(text)
          text = text_in_utf8(string(text))
          return text if text.valid_encoding?

          raise ::ArgumentError, 'a text must be valid UTF-8; bytes are sent by WebSocket#binary'
        end

        def self.text_in_utf8(text)
          case text.encoding
          when ::Encoding::UTF_8, ::Encoding::US_ASCII then text
          when ::Encoding::BINARY then text.dup.force_encoding(::Encoding::UTF_8)
          else text.encode(::Encoding::UTF_8)
          end
        rescue ::EncodingError => e
          raise ::ArgumentError, "a text must be valid UTF-8: #{e.message}"
        end
        private_class_method :text_in_utf8
      end

      # A message to be sent to many: it is put into a frame once.
      #
      #   frame = Polyphony::HTTP::WebSocket.frame('to all')
      #   sockets.each { |ws| ws << frame }
      #
      # It goes out without compression.
      #
      # @param message [String] in BINARY for a binary message
      # @return [Frame]
      # @raise [ArgumentError, TypeError] see {#<<}
      # @suspends no
      def self.frame(message) = Frame.new(message)
    end
  end
end
