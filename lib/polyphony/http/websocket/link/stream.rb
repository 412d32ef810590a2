# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      module Link
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
    end
  end
end
