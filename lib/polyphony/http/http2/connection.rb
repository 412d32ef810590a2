# frozen_string_literal: true

require_relative 'request'
require_relative 'stream'
require_relative 'writing'
require_relative 'ending'
require_relative 'parting'
require_relative 'peer'
require_relative '../phases'

module Polyphony
  module HTTP
    module HTTP2
      # One connection and the requests on it, all at the same time. Its own fiber reads: what comes goes to the session,
      # and fibers are sent for the requests that it finds. Another one writes what the session has for the client.
      #
      # A fiber serves one request after another (see Stream). One that begins with a request while others wait sends
      # for the next fiber, which gets its turn when the first one has to wait, or never: so requests that are
      # answered at once are served by one fiber, without a switch between them, and those that wait have one each.
      #
      # @api private
      class Connection
        include Phases
        include Writing
        include Ending
        include Parting
        include Peer

        # Fibers without a request that are kept for the next ones.
        KEPT = 8

        # @return [Server]
        attr_reader :server
        # @return [Transport::Plain, Transport::TLS]
        attr_reader :transport
        # @return [String] "http" or "https"
        attr_reader :scheme
        # @return [Session]
        attr_reader :session

        # @param server [Server]
        # @param transport [Transport::Plain, Transport::TLS]
        def initialize(server, transport)
          @server = server
          @transport = transport
          @scheme = transport.tls ? 'https' : 'http'
          @limits = server.limits
          @session = Session.new(server.http2_limits, Request)
          @session.clock = server.clock.now
          @most = @limits.requests_http2 || ::Float::INFINITY
          @streams = {}.compare_by_identity
          @idle = []
          @served = @step = 0
          @phase = :header
        end

        # Serves until the connection ends. Raises nothing but what stops the fiber.
        #
        # @param early [String, nil] what was read before
        # @suspends until then
        def run(early = nil)
          @fiber = Polyphony.current
          @task = Scheduler.task
          Polyphony.scope(:http2) do |scope|
            @scope = scope
            flush
            receive(early) if early
            read_on
            ended
          end
        ensure
          close
          say_why_cut if @overdue
        end

        # What has come from the socket.
        # @param data [String]
        def receive(data)
          goes_on = @session.feed(data)
          tell_news
          tell_complaints
          send_for_fiber if @session.waiting?
          flush
          return part unless goes_on

          drain if @session.requests >= @most && !@draining
          last if @draining && @session.pongs.positive?
        end

        # Somebody must serve the request that waits, unless a fiber is on its way already.
        def send_for_fiber
          return if @coming

          @coming = true
          stream = @idle.pop
          return stream.wake if stream

          stream = Stream.new(self)
          @streams[stream] = true
          @scope.spin(:stream) { stream.run }
        end

        # A fiber has come.
        def come
          @coming = false
        end

        # A fiber without a request: it is to wait, or to end.
        #
        # @return [Boolean] whether it is to wait
        def rest_of?(stream)
          return false if @ended || @idle.size >= KEPT

          @idle << stream
          true
        end

        # The fiber of a stream has ended.
        def left(stream)
          @streams.delete(stream)
          @idle.delete(stream)
        end

        # Lets those whose body, or room for an answer, has come go on.
        def tell_news
          @session.news&.each(&:wake)
        end

        # @see HTTP1::Connection#preface
        def preface = nil

        # @return [String]
        def inspect
          "#<#{self.class} #{@phase} requests=#{@session.requests} fibers=#{@streams.size}>"
        end
      end
    end
  end
end
