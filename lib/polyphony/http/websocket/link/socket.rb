# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      module Link
        # A socket.
        class Socket
          # @param io [BasicSocket]
          # @param transport [Transport::Plain]
          def initialize(io, transport)
            @io = io
            @transport = transport
            @backend = Polyphony.backend
            @more = true # what was read ahead
            @rounds = 0
          end

          # Yields what has come.
          #
          # @yieldparam data [String] to be used before anything waits
          # @return [Boolean] false at the end
          def read
            wait unless @more
            buffer = BUFFERS.pop || ::String.new(capacity: READ)
            data = @io.read_nonblock(READ, buffer, exception: false)
            yield data if data.is_a?(::String)
            @more = more?(data)
            !data.nil?
          ensure
            BUFFERS << buffer if buffer && BUFFERS.size < BUFFERS_KEPT
          end

          # @return [Boolean] whether there is {#each_piece}
          def loops? = true

          # Yields what comes, piece by piece, until the end: with less work for each than {#read}.
          #
          # @yieldparam data [String]
          def each_piece
            rounds = 0
            @backend.read_loop(@io, READ) do |data|
              yield data
              # There is more, and no wait before it: others want their turn.
              Polyphony.snooze if data.bytesize == READ && ((rounds += 1) % ROUNDS).zero?
            end
          end

          # Writes what can be written without waiting.
          #
          # @param data [String]
          # @return [String, nil] what is left
          def try_write(data) = @backend.write_now(@io, data)

          # @param strings [Array<String>]
          def write(strings) = @transport.write(strings)

          # @return [Integer] bytes that the kernel has, and the client has not
          def unsent = @transport.unsent

          # Sends no more.
          def close_write = @transport.close_write

          # @param buffer [String]
          # @return [String, nil] nil at the end
          def discard(buffer) = @transport.discard(buffer)

          # Ends whatever waits for the client.
          def cut = @transport.shutdown(true)

          private

          # Less came than there was room for: the next read would find nothing.
          def more?(data)
            @rounds = 0 unless @more
            data.is_a?(::String) && data.bytesize == READ && (@rounds += 1) < ROUNDS
          end

          def wait = @backend.wait_io(@io)
        end
      end
    end
  end
end
