# frozen_string_literal: true

require 'zlib'
require_relative 'deflate/settings'
require_relative 'deflate/codecs'

module Polyphony
  module HTTP
    class WebSocket
      # Compression of messages (permessage-deflate, RFC 7692), of one socket. Each message by itself unless
      # `context_takeover` is asked for, so that a socket holds no memory for it: the codecs are shared.
      # @api private
      class Deflate
        # A message that cannot be inflated.
        class Error < ::StandardError
          # @return [Integer] what to close with
          attr_reader :code

          def initialize(code, reason)
            super(reason)
            @code = code
          end
        end

        # What RFC 7692 has taken off the end of each message.
        TAIL = "\x00\x00\xff\xff".b.freeze

        # @param settings [Settings]
        # @param bits [Integer] of our window
        # @param own [Boolean] whether our side keeps its context from message to message
        # @param peer [Boolean] whether the client does
        def initialize(settings, bits, own, peer)
          @min_size = settings.min_size
          @deflaters = Codecs.deflaters(settings.level, bits, settings.mem_level)
          @deflater = @deflaters.make if own
          @inflater = Codecs.inflaters.make if peer
        end

        # @param payload [String]
        # @return [Boolean] whether it is long enough to be compressed
        def worth?(payload) = payload.bytesize >= @min_size

        # @param payload [String]
        # @return [String]
        def deflate(payload)
          return compress(@deflater, payload) if @deflater

          @deflaters.use { |deflater| compress(deflater, payload) }
        end

        # @param payload [String]
        # @param limit [Integer] bytes
        # @return [String] in BINARY
        # @raise [Error] when it would be longer, or is no deflated data; nothing more can be inflated then
        def inflate(payload, limit)
          return expand(@inflater, payload, limit) if @inflater

          Codecs.inflaters.use { |inflater| expand(inflater, payload, limit) }
        rescue ::Zlib::Error => e
          raise Error.new(1007, "a compressed message is none: #{e.message}")
        end

        # Gives back memory.
        def close
          @deflater&.close
          @inflater&.close
          @deflater = @inflater = nil
        end

        private

        def compress(deflater, payload)
          data = deflater.deflate(payload, ::Zlib::SYNC_FLUSH)
          data.byteslice(0, data.bytesize - TAIL.bytesize)
        end

        # Streams that may end within one message, and be followed by another.
        MOST_ENDS = 16
        private_constant :MOST_ENDS

        def expand(inflater, payload, limit)
          message = ::String.new
          rest = payload + TAIL
          MOST_ENDS.times do
            used = expand_stream(inflater, rest, message, limit) or return message
            inflater.reset
            rest = rest.byteslice(used..)
          end
          raise Error.new(1007, 'a compressed message ends too often')
        end

        # Piece by piece, so that what is too long is never held.
        # @return [Integer, nil] bytes that were used, if the stream has ended
        def expand_stream(inflater, input, message, limit)
          size = message.bytesize
          total_in = inflater.total_in
          total_out = inflater.total_out
          inflater.inflate(input) { |piece| add(message, piece, limit) }
          add(message, inflater.flush_next_out, limit)
          return unless inflater.finished?

          message.replace(message.byteslice(0, size + inflater.total_out - total_out)) # zlib lets pass what is behind
          inflater.total_in - total_in
        end

        def add(message, piece, limit)
          message << piece
          raise Error.new(1009, 'a compressed message is longer than allowed') if message.bytesize > limit
        end
      end
      private_constant :Deflate
    end
  end
end
