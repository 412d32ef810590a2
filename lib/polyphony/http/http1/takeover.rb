# frozen_string_literal: true

require_relative '../presence'

module Polyphony
  module HTTP
    module HTTP1
      # The connection as it is, for another protocol.
      # @api private
      module Takeover
        # Leaves the loop of a connection that is somebody else's now.
        class Hijacked < ::Exception; end # rubocop:disable Lint/InheritException -- no handler is to rescue it

        # @see Request#upgrade
        def upgrade(request, name, headers)
          refuse_second(request)
          @writer.upgrade(request, name, headers)
          request.status = 101
          flush
          @phase = :upgraded
          bare_io
        end

        # @see Request#hijack
        def hijack(request)
          refuse_second(request)
          request.status = 0
          flush
          @phase = :upgraded
          @writer.last!
          @hijacked = true
          bare_io
        end

        # Leaves an upgraded connection, which is somebody else's to close from now on.
        def give_away
          @hijacked = true
        end

        # @return [Boolean] whether the client has closed its side
        def client_gone? = Presence.ended?(@transport.io.to_io)

        # @return [Boolean] whether a handler has taken the connection for good
        def hijacked? = @hijacked ? true : false

        private

        # What was read ahead comes first.
        def bare_io
          io = @transport.io
          rest = @parser.take_buffered
          return io if rest.empty?

          @transport.tls ? rest.bytes.reverse_each { |byte| io.ungetc(byte.chr) } : io.ungetbyte(rest)
          io
        end
      end
    end
  end
end
