# frozen_string_literal: true

module Polyphony
  module HTTP
    # The body of a request, as it comes: nothing is read before it is asked for, and each byte is given once.
    # It has what Rack wants of `rack.input`.
    class Body
      include Enumerable

      # Bytes given at a time where the caller names no number.
      CHUNK = 65_536

      # @api private
      def initialize(connection, request)
        @connection = connection
        @request = request
        @rest = nil
        @at_end = !request.body?
      end

      # @param length [Integer, nil] bytes; nil: all that is left
      # @param buffer [String, nil] to be filled instead of a new String
      # @return [String, nil] in BINARY; of +length+ bytes unless the body ends before. At the end nil, or ""
      #   when no length was given
      # @raise [ArgumentError] for a negative length
      # @raise [Polyphony::HTTP::ProtocolError] when the body is malformed, too large or too slow
      # @raise [Polyphony::HTTP::Disconnected] when the client has gone
      # @suspends until they are there
      def read(length = nil, buffer = nil)
        raise ::ArgumentError, "negative length #{length} given" if length&.negative?

        data = collect(length, buffer ? buffer.clear.force_encoding(::Encoding::BINARY) : ::String.new)
        data.empty? && length&.positive? ? nil : data
      end

      # What is there, at least a byte.
      #
      # @param max [Integer] bytes
      # @return [String, nil] in BINARY; nil at the end
      # @raise [Polyphony::HTTP::ProtocolError, Polyphony::HTTP::Disconnected]
      # @suspends until something has come
      def read_partial(max = CHUNK)
        return take_rest(max) if @rest
        return if @at_end

        chunk = @connection.read_body(@request, max)
        @at_end = true unless chunk
        chunk
      end

      # Yields the body in pieces, as they come.
      #
      # @yieldparam chunk [String] in BINARY
      # @return [self, Enumerator]
      # @raise [Polyphony::HTTP::ProtocolError, Polyphony::HTTP::Disconnected]
      # @suspends between two of them
      def each
        return enum_for unless block_given?

        while (chunk = read_partial)
          yield chunk
        end
        self
      end

      # @return [String, nil] up to and with the next line feed; nil at the end
      # @raise [Polyphony::HTTP::ProtocolError, Polyphony::HTTP::Disconnected]
      # @suspends until it has come
      def gets
        line = ::String.new
        while (chunk = read_partial)
          head, feed, rest = chunk.partition("\n")
          line << head << feed
          next if feed.empty?

          @rest = rest unless rest.empty?
          return line
        end
        line unless line.empty?
      end

      # @return [Integer, nil] bytes the client has announced; nil for a chunked body
      # @suspends no
      def length
        @request.content_length || (@request.chunked? ? nil : 0)
      end

      # @return [Boolean] whether there is no body
      # @suspends no
      def empty? = !@request.body?

      # @return [Boolean] whether all of it has been read
      # @suspends no
      def eof? = @at_end && @rest.nil?

      # Drops what is left, at the end of the request.
      #
      # @return [nil]
      # @suspends no
      def close = nil

      # @return [String]
      def inspect = "#<#{self.class} length=#{length.inspect}#{' read' if eof?}>"

      private

      def collect(length, into)
        while length.nil? || into.bytesize < length
          chunk = read_partial(length ? length - into.bytesize : CHUNK) or break
          into << chunk
        end
        into
      end

      def take_rest(max)
        chunk = @rest.byteslice(0, max)
        @rest = chunk.bytesize < @rest.bytesize ? @rest.byteslice(max..) : nil
        chunk
      end
    end
  end
end
