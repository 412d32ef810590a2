# frozen_string_literal: true

module Polyphony
  module HTTP
    # The bytes of one connection: a socket, or TLS over one. Reading suspends until something has come,
    # writing until all of it is with the kernel.
    # @api private
    module Transport
      # Bytes asked for at a time.
      READ_SIZE = 16_384

      @gone = [::IOError, ::Errno::ECONNRESET, ::Errno::EPIPE, ::Errno::ETIMEDOUT, ::Errno::ENOTCONN,
               ::Errno::ECONNABORTED, ::Errno::EHOSTUNREACH, ::Errno::EBADF]

      # @return [Array<Class>] what a client that goes away raises here, in all its forms
      def self.gone = @gone

      # Asks the kernel what of our bytes the other side has not taken yet (SIOCOUTQ).
      UNSENT = 0x5411
      private_constant :UNSENT

      # A write of much takes long, and the kernel lets us go on only after a good part of its buffer is free:
      # this tells whether the client takes anything meanwhile.
      #
      # @return [Integer] bytes; always 0 where the system does not tell
      def self.unsent(socket)
        socket.ioctl(UNSENT, bytes = [0].pack('i'))
        bytes.unpack1('i')
      rescue ::SystemCallError, ::IOError
        0
      end

      # A socket without TLS: the backend reads and writes it, without the detour over IO's methods.
      class Plain
        # @return [TCPSocket, UNIXSocket]
        attr_reader :io

        def initialize(io)
          @io = io
          @backend = Polyphony.backend
        end

        # Hands what comes to +receiver+.receive(String), until the end or until it closes the connection.
        def feed(receiver)
          @backend.feed_loop(@io, receiver, :receive, READ_SIZE)
        end

        # @param buffer [String, nil] to be used again
        # @return [String, nil] nil at the end
        def read(buffer = nil)
          @backend.read(@io, buffer, READ_SIZE)
        end

        # @param data [String, Array<String>] several go out with one system call
        def write(data)
          data.is_a?(::String) ? @backend.write(@io, data) : @backend.write(@io, *data)
        end

        # @see Transport.unsent
        def unsent = Transport.unsent(@io)

        # @return [nil]
        def tls = nil

        # Tells the client that nothing more comes.
        def close_write
          @io.close_write
        rescue ::SystemCallError, ::IOError
          nil
        end

        # Reads on, when nothing of it is of use any more.
        # @param buffer [String]
        # @return [String, nil] nil at the end
        def discard(buffer) = read(buffer)

        # Closes the socket.
        def close
          @io.close
        end

        # Ends what waits for the client: reading as at the end of the stream, and +all+ by errors.
        def shutdown(all)
          @io.shutdown(all ? ::Socket::SHUT_RDWR : ::Socket::SHUT_RD)
        rescue ::SystemCallError, ::IOError
          nil
        end

        # @return [Boolean]
        def closed? = @io.closed?
      end

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
