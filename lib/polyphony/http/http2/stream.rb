# frozen_string_literal: true

require_relative 'incoming'
require_relative 'outgoing'
require_relative 'failing'
require_relative 'tunnelling'
require_relative 'serving'
require_relative '../phases'

module Polyphony
  module HTTP
    module HTTP2
      # A fiber of a connection, and the request that it serves: what HTTP1::Connection is to its requests. When that
      # one is answered it takes the next, and waits when there is none.
      #
      # @api private
      class Stream
        include Phases
        include Incoming
        include Outgoing
        include Failing
        include Tunnelling
        include Serving

        # Requests served in a row before others get their turn.
        TURN = 64

        # @return [Connection]
        attr_reader :connection
        # @return [Float, nil] when the request that is being served came, if there is an access log
        attr_reader :started_at
        # @return [Request, nil] that is being served
        attr_reader :request
        # @return [Object] what the Rack adapter keeps for this fiber
        attr_accessor :rack

        # @param connection [Connection]
        def initialize(connection)
          @connection = connection
          @server = connection.server
          @handler = @server.handler
          @limits = @server.limits
          @access_log = @server.access_log
          @session = connection.session
          @exchange = Exchange.new(@session, self, @access_log.nil?)
          @served = @step = @sent = 0
          @phase = :idle
        end

        # Serves until the connection needs it no more.
        # @suspends until then
        def run
          @fiber = Polyphony.current
          @task = Scheduler.task
          @connection.come
          in_turn = 0
          while (request = take)
            serve(request)
            break if @spoiled # what the handler has spun ends with its fiber

            Scheduler.snooze if ((in_turn += 1) % TURN).zero?
          end
        ensure
          @connection.left(self)
        end

        # Lets it look again at what it waits for.
        def wake
          @woken = true
          give_up if @request && given_up?
          @task&.wake
          @senders&.each(&:wake)
        end

        # Lets it end, if it has no request.
        def retire
          @retired = true
          wake
        end

        # @return [Server]
        attr_reader :server

        # @return [String] "http" or "https"
        def scheme = @connection.scheme

        # @return [Addrinfo]
        def peer_address = @connection.peer_address

        # @return [String]
        def remote_ip = @connection.remote_ip

        # @return [OpenSSL::SSL::SSLSocket, nil]
        def tls = @connection.tls

        # @return [Boolean] whether the client has given up the request, or is gone
        def client_gone? = @exchange.closed?

        # @return [String]
        def inspect
          "#<#{self.class} #{@phase} requests=#{@served} #{@exchange.inspect}>"
        end

        private

        # @return [Request, nil] the next one
        def take
          loop do
            request = @exchange.take and return request
            return unless wait_for_request
          rescue ProtocolError => e
            refuse(e)
          end
        end

        def wait_for_request
          @woken = false
          return false unless @connection.rest_of?(self)

          Scheduler.park(:'a request') until @woken
          return false if @retired

          @connection.come
          true
        end

        # @see Phases
        def rest = nil

        # @see Phases
        def end_phase
          @overdue = @phase
          return @fiber.raise(Overdue.new(@served)) if @phase == :handler

          wake
        rescue DeadFiber
          nil
        end
      end
    end
  end
end
