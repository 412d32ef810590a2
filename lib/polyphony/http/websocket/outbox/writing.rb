# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      class Outbox
        # How frames go out: at once, or by a fiber that waits for the client.
        # @api private
        module Writing
          # Bytes that are joined for one write.
          JOINED = 65_536

          private

          def start_writer
            @writer = @hub.spin(:'websocket writer') { write_all }
          rescue ::FiberError => e # there is no memory for another one: this client must go, not the server
            @hub.log("websocket: cut: #{e.message}")
            break_off
            @link.cut
          end

          def write_at_once
            data = @queue.size == 1 ? @queue.first : @queue.join
            @queue.clear
            rest = @link.try_write(data)
            @queue << rest if rest
            gone_out(data.bytesize - (rest ? rest.bytesize : 0))
          end

          def write_all
            until @queue.empty?
              pieces = take
              @link.write(pieces)
              gone_out(pieces.sum(&:bytesize))
            end
          rescue Disconnected, *Transport.gone
            break_off
          rescue ::StandardError
            break_off
            @link.cut
            raise
          ensure
            @writer = nil
          end

          # About as much as one write takes: so that it shows how far it has come.
          def take
            pieces = []
            room = JOINED
            while room.positive? && (piece = @queue.shift)
              if piece.bytesize > room
                @queue.unshift(piece.byteslice(room..))
                piece = piece.byteslice(0, room)
              end
              pieces << piece
              room -= piece.bytesize
            end
            pieces
          end

          def gone_out(size)
            return if size.zero? || @broken

            @bytes -= size
            @progress += 1
            wake
          end
        end
        private_constant :Writing
      end
    end
  end
end
