# frozen_string_literal: true

module Polyphony
  module HTTP
    module Transport
      # A socket without TLS: the backend reads and writes it, without the detour over IO's methods.
      class Plain
        # @return [TCPSocket, UNIXSocket]
        attr_reader :io

        def initialize(io)
          @io = io
          @backend = Polyphony.backend
          @buffers = Buffers.here
        end

        # Hands what comes to +receiver+.receive(String), until the end or until it closes the connection.
        def feed(receiver)
          @backend.feed_loop(@io, receiver, :receive, READ_SIZE, @buffers.input)
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

        # Writes what +writer+ has made, as far as that goes without waiting.
        #
        # @param writer [HTTP1::Writer]
        # @return [String, Array<String>, nil] what is left, for {#write}; nil: nothing
        def put(writer)
          @backend.write_now(@io, writer.output(@buffers.output))
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
    end
  end
end
