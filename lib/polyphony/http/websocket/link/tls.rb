# frozen_string_literal: true

require_relative 'socket'

module Polyphony
  module HTTP
    class WebSocket
      module Link
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
      end
    end
  end
end
