# frozen_string_literal: true

require_relative 'request'
require_relative 'client'
require_relative 'serving'
require_relative 'incoming'
require_relative 'outgoing'
require_relative 'takeover'
require_relative 'failing'
require_relative 'preface'
require_relative '../phases'

module Polyphony
  module HTTP
    module HTTP1
      # One connection and the requests on it, one after another, in one fiber. What comes from the socket
      # goes to the parser, each request to the handler, and answers go out when no further request is
      # there to be served: one read and one write, however many requests came at once.
      #
      # @api private
      class Connection
        include Phases
        include Client
        include Serving
        include Incoming
        include Outgoing
        include Takeover
        include Failing
        include Preface

        # @return [Server]
        attr_reader :server
        # @return [Transport::Plain, Transport::TLS]
        attr_reader :transport
        # @return [String] "http" or "https"
        attr_reader :scheme
        # @return [Float, nil] when the request that is being served came, if there is an access log
        attr_reader :started_at

        # @return [Request, nil] that is being served
        attr_reader :request
        # @return [Object] what the Rack adapter keeps for this connection
        attr_accessor :rack

        # @param server [Server]
        # @param transport [Transport::Plain, Transport::TLS]
        def initialize(server, transport)
          @server = server
          @transport = transport
          @scheme = transport.tls ? 'https' : 'http'
          @handler = server.handler
          @limits = server.limits
          @access_log = server.access_log
          @parser = Parser.new(server.http1_limits, Request)
          @writer = Writer.new
          @parser.serve_for(self, @access_log ? nil : @writer)
          begin_state
        end

        # Serves until the connection ends. Raises nothing but what stops the fiber.
        # @suspends until then
        def run
          @fiber = Polyphony.current
          @task = Scheduler.task
          @transport.feed(self)
          ended
        rescue ProtocolError => e
          refuse(e) unless not_http1?(e)
        rescue Disconnected, Phases::Overdue, *Transport.gone
          # the client went away, and takes nothing any more: or no more than an answer
          refuse(ProtocolError.new('the body is incomplete')) if @incomplete
        rescue Takeover::Hijacked
          @transport = nil
        ensure
          close
          say_why_cut if @overdue
        end

        # What has come from the socket.
        # @param data [String]
        def receive(data)
          request = @parser.next_head(data)
          while request
            serve(request)
            return part unless @open

            request = @parser.next_head
          end
          flush if @batched
          @phase = @parser.started? ? :header : :idle
        end

        # Lets the next answer be the last. A client that has no request now is given a moment for one, as
        # it may be on its way already: see Phases.
        def drain
          @writer.last!
          @draining = true
        end

        # @return [String]
        def inspect
          "#<#{self.class} #{@phase} requests=#{@served}>"
        end

        private

        # All there is, at once and in one order: instance variables that come later, one here and one there,
        # would make each connection's layout another, and cost Ruby its caches.
        def begin_state
          @served = @step = @sent = 0
          @most = @limits.requests || UNLIMITED
          @open = true
          @phase = :idle
          @batched = @streaming = @flushing = @draining = @hijacked = @incomplete = false
          @fiber = @task = @request = @body = @started_at = @rack = @flusher = nil
          @seen_phase = @seen_served = @seen_step = @seen_unsent = @since = @rested = @overdue = nil
          @peer_address = @remote_ip = @input = @continued = @refused = @refused_request = nil
        end

        # The last answer is out. What has come behind it, and is not read, must not destroy it on its way.
        def part
          linger if @transport && (@parser.buffered.positive? || !@parser.complete?)
          close
        end

        # Requests on one connection, where there is no limit.
        UNLIMITED = 1 << 61
        private_constant :UNLIMITED

        def close
          return unless @transport

          @open = false
          @transport.close unless @transport.closed?
        end
      end
    end
  end
end
