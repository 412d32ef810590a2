# frozen_string_literal: true

module Polyphony
  module HTTP
    module Transport
      # TLS: Ruby's OpenSSL does the protocol, without the buffers it puts around it. A connection without a
      # request waits in the backend, as a plain socket does; OpenSSL itself waits through the scheduler's hooks.
      class TLS
        # @return [OpenSSL::SSL::SSLSocket]
        attr_reader :io
        alias tls io

        # Strings to read into, needed from reading to parsing only: a few do for all connections.
        BUFFERS = [] # rubocop:disable Style/MutableConstant
        # How many of them are kept.
        BUFFERS_KEPT = 16
        private_constant :BUFFERS, :BUFFERS_KEPT

        def initialize(ssl)
          @io = ssl
          @backend = Polyphony.backend
        end

        # @see Plain#feed
        def feed(receiver)
          @receiver = receiver
          @backend.ready_loop(@io.to_io, self, :readable) unless @io.pending.positive? && !readable
        end

        # Something has come: hands over all of it.
        #
        # @return [Boolean] false at the end
        def readable
          goes_on = feed_piece
          goes_on = feed_piece while goes_on && @io.pending.positive?
          goes_on
        end

        # @see Plain#read
        def read(buffer = nil)
          @io.sysread(READ_SIZE, *buffer)
        rescue ::EOFError
          nil
        end

        # Bytes of a record of TLS.
        RECORD = 16_384
        # Bytes of several Strings that are copied into one, for fewer records.
        JOINED = 262_144
        private_constant :RECORD, :JOINED

        # @see Plain#write -- SSLSocket#write would move all that is left to be written after each record
        def write(data)
          return write_string(data) if data.is_a?(::String)

          data.sum(&:bytesize) <= JOINED ? write_string(data.join) : data.each { |string| write_string(string) }
        end

        # @see Plain#put -- nothing of it: OpenSSL may have to wait, and must find the bytes where they were
        def put(writer) = writer.output

        # @see Transport.unsent
        def unsent = Transport.unsent(@io.to_io)

        # @see Plain#close_write
        def close_write
          @io.sync_close = false
          @io.close # says goodbye, and leaves the socket
          @io.to_io.close_write
        rescue ::SystemCallError, ::IOError, ::OpenSSL::SSL::SSLError
          nil
        end

        # @see Plain#discard
        def discard(buffer)
          @io.to_io.readpartial(READ_SIZE, buffer)
        rescue ::EOFError
          nil
        end

        # Says goodbye, and closes the socket.
        def close
          @io.sync_close ? @io.close : @io.to_io.close
        rescue ::SystemCallError, ::IOError, ::OpenSSL::SSL::SSLError
          @io.to_io.close unless @io.to_io.closed?
        end

        # @see Plain#shutdown
        def shutdown(all)
          @io.to_io.shutdown(all ? ::Socket::SHUT_RDWR : ::Socket::SHUT_RD)
        rescue ::SystemCallError, ::IOError
          nil
        end

        # @return [Boolean]
        def closed? = @io.closed?

        private

        def feed_piece
          buffer = BUFFERS.pop || ::String.new(capacity: READ_SIZE)
          return false unless read(buffer)

          @receiver.receive(buffer)
          BUFFERS << buffer if BUFFERS.size < BUFFERS_KEPT
          !@io.closed?
        end

        def write_string(string)
          size = string.bytesize
          done = size.zero? ? 0 : @io.syswrite(string)
          done += @io.syswrite(string.byteslice(done, RECORD)) while done < size
        end
      end
    end
  end
end
