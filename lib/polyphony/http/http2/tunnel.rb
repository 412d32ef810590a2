# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # What {Request#upgrade} gives: both directions of a stream, as an IO has them. Closed when the handler returns.
      class Tunnel
        # @api private
        def initialize(stream, request)
          @stream = stream
          @request = request
        end

        # @param max [Integer] bytes
        # @param buffer [String, nil] to be filled instead of a new String
        # @return [String] in BINARY: what is there, at least a byte
        # @raise [EOFError] when the client has ended its side
        # @raise [IOError] after {#close}
        # @raise [Polyphony::HTTP::Disconnected] when the client has reset the stream, or is gone
        # @suspends until something has come
        def readpartial(max = 16_384, buffer = nil)
          raise ::IOError, 'closed stream' if @closed

          chunk = @stream.read_tunnel(@request, max) or raise ::EOFError, 'end of file reached'
          buffer ? buffer.replace(chunk) : chunk
        end

        # @param length [Integer, nil] bytes; nil: all until the client's end
        # @return [String, nil] nil at the end, if a length was given
        # @raise [IOError, Polyphony::HTTP::Disconnected] as {#readpartial}
        # @suspends until they are there
        def read(length = nil)
          data = ::String.new
          data << readpartial(length ? length - data.bytesize : 16_384) while length.nil? || data.bytesize < length
          data
        rescue ::EOFError
          length&.positive? && data.empty? ? nil : data
        end

        # @param strings [Array<String>]
        # @return [Integer] bytes
        # @raise [IOError] after {#close} and {#close_write}
        # @raise [Polyphony::HTTP::Disconnected]
        # @suspends while the client takes no more
        def write(*strings)
          raise ::IOError, 'not opened for writing' if @closed || @write_closed

          strings.sum do |string|
            @stream.send_chunk(@request, string = string.to_s)
            string.bytesize
          end
        end

        # Writes without waiting for the client.
        #
        # @param string [String]
        # @return [Integer] bytes that were taken: all, or none while too much waits
        # @raise [IOError, Polyphony::HTTP::Disconnected] as {#write}
        # @suspends no
        def try_write(string)
          raise ::IOError, 'not opened for writing' if @closed || @write_closed

          @stream.try_send(@request, string)
        end

        # Ends both sides at once, by a reset of the stream.
        #
        # @return [nil]
        # @suspends no
        def reset
          return if @closed

          @closed = @write_closed = true
          @stream.cut_tunnel
          nil
        end

        # @return [self]
        # @see #write
        def <<(string)
          write(string)
          self
        end

        # @return [self]
        # @suspends while the client takes no more
        def flush
          @stream.flush
          self
        end

        # Ends our side.
        #
        # @return [nil]
        # @suspends no
        def close_write
          return if @write_closed

          @write_closed = true
          @stream.finish_response(@request)
          nil
        end

        # Ends both sides.
        #
        # @return [nil]
        # @suspends no
        def close
          return if @closed

          close_write
          @closed = true
          @stream.wake
          nil
        end

        # @return [Boolean]
        def closed? = @closed ? true : false

        # @return [String]
        def inspect = "#<#{self.class}#{' closed' if @closed} #{@stream.inspect}>"
      end
    end
  end
end
