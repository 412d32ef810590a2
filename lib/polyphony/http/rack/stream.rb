# frozen_string_literal: true

module Polyphony
  module HTTP
    module Rack
      # What a streaming body is called with: writes go out as pieces of the answer, reads come from the body
      # of the request.
      class Stream
        # @api private
        def initialize(request)
          @request = request
          @input = request.body? ? request.body : nil
        end

        # @param pieces [Array<String>]
        # @return [Integer] bytes
        # @raise [IOError] after {#close}
        # @raise [Polyphony::HTTP::Disconnected]
        # @suspends while the client takes no more
        def write(*pieces)
          raise ::IOError, 'not opened for writing' if @closed

          pieces.sum do |piece|
            @request.send_chunk(piece = piece.to_s)
            piece.bytesize
          end
        end

        # @return [self]
        # @see #write
        def <<(piece)
          write(piece)
          self
        end

        # @return [String, nil] see {Body#read}
        # @suspends until it has come
        def read(length = nil, buffer = nil)
          return @input.read(length, buffer) if @input

          length&.positive? ? nil : +''
        end

        # @return [String, nil] see {Body#read_partial}
        # @suspends until something has come
        def read_partial(length = Body::CHUNK) = @input&.read_partial(length)

        # @return [self]
        def flush = self

        # @return [nil]
        def close_read = nil

        # Ends the answer.
        # @return [nil]
        # @suspends while the client takes no more
        def close_write
          return if @closed

          @closed = true
          @request.finish
        end
        alias close close_write

        # @return [Boolean]
        def closed? = @closed ? true : false
      end
    end
  end
end
