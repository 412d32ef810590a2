# frozen_string_literal: true

require_relative 'tunnel'

module Polyphony
  module HTTP
    module HTTP2
      # Streams that are another protocol's: extended CONNECT, RFC 8441.
      # @api private
      module Tunnelling
        # @see Request#upgrade
        # @return [Tunnel]
        def upgrade(request, name, headers)
          refuse_second(request) if request.status || !@request.equal?(request)
          unless request.upgrade_requested == name.downcase
            raise ResponseError, "the client has not asked for #{name}: it would have sent CONNECT with :protocol"
          end

          begin_response(request, 200, headers)
          @phase = :upgraded
          @connection.flush
          @tunnel = Tunnel.new(self, request)
        end

        # @see Request#hijack
        def hijack(_request)
          raise ResponseError, 'over HTTP/2 the connection is shared by many requests, and cannot be taken by one: ' \
                               'use request.upgrade, or answer in pieces (a streaming body, in Rack)'
        end

        # @return [Boolean] whether a handler has taken the connection for good
        def hijacked? = false

        # Leaves a tunnel to somebody else, who closes it.
        def give_away
          @given_away = true
        end

        # Reading from a tunnel has no time limit.
        # @return [String, nil]
        def read_tunnel(request, max)
          until (chunk = @exchange.read_body(max))
            return if @exchange.complete?
            raise gone if @exchange.closed?

            Scheduler.park(:'bytes of a tunnel')
          end
          @connection.flush if @session.output?
          chunk
        end

        # Sends what is small, unless much waits already.
        # @return [Integer] bytes that were taken: all or none
        # @suspends no
        def try_send(request, chunk)
          check_current(request)
          raise gone if @exchange.closed?
          return 0 if @exchange.queued > Outgoing::MOST_QUEUED

          @exchange.write(chunk)
          @sent += chunk.bytesize
          @connection.flush
          chunk.bytesize
        end

        # Gives the stream up: whoever waits for the client gets {Disconnected}.
        # @suspends no
        def cut_tunnel
          @exchange.reset(CANCEL) unless @exchange.closed?
          @connection.flush
          wake
        end

        CANCEL = 8
        private_constant :CANCEL

        private

        def await_tunnel
          Scheduler.park(:'the end of a tunnel') until @tunnel.nil? || @tunnel.closed? || @exchange.closed?
        end
      end
    end
  end
end
