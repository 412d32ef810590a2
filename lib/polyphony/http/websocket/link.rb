# frozen_string_literal: true

require 'socket'

module Polyphony
  module HTTP
    class WebSocket
      # What {Request#upgrade} gives, in its three kinds: how to read without holding memory while nothing comes,
      # and how to write without waiting.
      # @api private
      module Link
        # Bytes read at a time.
        READ = 16_384
        # Rounds of reading without a wait, before others get their turn.
        ROUNDS = 16
        # Strings to read into, needed from reading to decoding only: a few do for all sockets.
        BUFFERS = [] # rubocop:disable Style/MutableConstant
        # How many of them are kept.
        BUFFERS_KEPT = 16

        # @param io [BasicSocket, OpenSSL::SSL::SSLSocket, #readpartial]
        # @return [Socket, TLS, Stream]
        def self.for(io)
          return Socket.new(io, Transport::Plain.new(io)) if io.is_a?(::BasicSocket)
          return TLS.new(io, Transport::TLS.new(io)) if defined?(::OpenSSL::SSL::SSLSocket) && io.is_a?(::OpenSSL::SSL::SSLSocket)

          Stream.new(io)
        end

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

        # TLS over one.
        class TLS < Socket
          # @see Socket#loops?
          def loops? = false

          # @see Socket#try_write
          def try_write(data)
            taken = @io.write_nonblock(data, exception: false)
            return data unless taken.is_a?(::Integer)

            data.byteslice(taken..) if taken < data.bytesize
          end

          private

          def more?(data)
            (data.is_a?(::String) && @io.pending.positive?) || super
          end

          def wait = @backend.wait_io(@io.to_io)
        end

        # A stream of HTTP/2.
        class Stream
          # @param io [HTTP2::Tunnel]
          def initialize(io)
            @io = io
          end

          # @see Socket#read
          def read
            yield @io.readpartial(READ)
            true
          rescue ::EOFError
            false
          end

          # @see Socket#loops?
          def loops? = false

          # @see Socket#try_write
          def try_write(data)
            data if @io.try_write(data).zero?
          end

          # @see Socket#write
          def write(strings) = @io.write(strings.join)

          # @see Socket#unsent
          def unsent = 0

          # @see Socket#close_write
          def close_write
            @io.close_write
          rescue *Transport.gone, Disconnected
            nil
          end

          # @see Socket#discard
          def discard(_buffer)
            @io.readpartial(READ)
          rescue ::EOFError
            nil
          end

          # @see Socket#cut
          def cut = @io.reset
        end
      end
      private_constant :Link
    end
  end
end
