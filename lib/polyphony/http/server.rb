# frozen_string_literal: true

require_relative 'limits'
require_relative 'bind'
require_relative 'log'
require_relative 'transport'
require_relative 'listener'
require_relative 'server/message'
require_relative 'server/clock'
require_relative 'server/accepting'
require_relative 'server/running'
require_relative 'server/stopping'
require_relative 'access_log'
require_relative 'file_response'
require_relative 'http1/connection'
require_relative 'http2'
require_relative 'http2/connection' if Polyphony::HTTP::HTTP2.available?

module Polyphony
  module HTTP
    # Listens, and has each request answered by a handler. {HTTP.serve} makes and runs one; make it by hand to
    # stop it by hand.
    #
    #   server = Polyphony::HTTP::Server.new(bind: 'http://127.0.0.1:0') { |request| request.respond('hello') }
    #   spin { server.run }
    #   puts server.addresses
    class Server
      include Accepting
      include Running
      include Stopping

      # Where a server listens if nobody says.
      DEFAULT_BIND = 'http://127.0.0.1:9292'

      # @return [#call]
      attr_reader :handler
      # @return [Limits]
      attr_reader :limits
      # @return [Log]
      attr_reader :log
      # @return [AccessLog, nil]
      attr_reader :access_log
      # @return [Clock]
      # @api private
      attr_reader :clock
      # @return [HTTP1::Limits]
      # @api private
      attr_reader :http1_limits
      # @return [HTTP2::Limits]
      # @api private
      attr_reader :http2_limits

      # @param bind [String, Bind, Array<String, Bind>] where to listen
      # @param tls [Hash, OpenSSL::SSL::SSLContext, nil] for `https://`: see {TLS}
      # @param log [IO, Logger, Log, nil] for what goes wrong
      # @param access_log [AccessLog, nil] a line for each request
      # @param reuse_port [Boolean] let other processes listen at the same ports
      # @param limits [Hash{Symbol => Numeric, nil}] see {Limits}
      # @yieldparam request [Request]
      # @raise [ArgumentError] without a block, for a bind or a limit that is none
      def initialize(bind: DEFAULT_BIND, tls: nil, log: $stderr, access_log: nil, reuse_port: false, **limits, &handler)
        raise ::ArgumentError, 'a block, the handler, is required' unless handler

        @binds = [*bind].map { |text| Bind.parse(text) }
        @handler = handler
        @limits = Limits.new(**limits)
        @http1_limits = @limits.http1
        @http2_limits = @limits.http2
        @log = log.is_a?(Log) ? log : Log.new(log)
        @access_log = access_log
        @reuse_port = reuse_port
        @tls = tls_for(tls)
        @listeners = []
        @connections = {}.compare_by_identity
        @open = 0
      end

      # Opens the sockets. {#run} does it if nobody has.
      #
      # @return [self]
      # @raise [SystemCallError] with the address in its message
      # @suspends while host names are looked up
      def listen
        return self unless @listeners.empty?

        @binds.each do |bind|
          bind.open(reuse_port: @reuse_port).each { |socket| @listeners << Listener.new(self, bind, socket) }
        end
        self
      rescue ::StandardError
        close_listeners
        raise
      end

      # Serves on a socket that is open already, too.
      #
      # @param bind [Bind] what it is
      # @param socket [TCPServer, UNIXServer]
      # @return [self]
      # @suspends no
      def adopt(bind, socket)
        @listeners << Listener.new(self, bind, socket)
        self
      end

      # @return [Array<String>] as `http://127.0.0.1:9292`: with the port that was found for port 0
      # @suspends no
      def addresses = @listeners.map(&:address)

      # Serves until {#stop}. When the calling fiber is stopped, connections are cut. A server runs once: after
      # {#stop} make another one.
      #
      # @return [nil]
      # @raise [SystemCallError] when it cannot listen
      # @suspends until the server has stopped
      def run
        return if @draining # somebody was faster

        listen
        @clock = Clock.new
        @running = Polyphony.current
        Polyphony.scope(:http) do |scope|
          spin_into(@scope = scope)
        end
        nil
      ensure
        close_listeners
        @running = nil
        @stopper&.over
        Polyphony.move_on_after(1) { @access_log.flush } if @access_log
      end

      # Reads the certificates again, for new connections.
      #
      # @return [self]
      # @raise [ArgumentError] when they cannot be read: the old ones stay
      # @suspends no
      def reload_certificates
        @tls&.reload
        self
      end

      # @return [Integer] connections that are open, those in their TLS handshake too
      # @suspends no
      def connections = @open

      # @return [Hub] of what outlasts requests
      # @api private
      def hub = @hub ||= Hub.new(self, @scope)

      # @return [String]
      def inspect = "#<#{self.class} #{addresses.join(' ')} connections=#{connections}>"

      private

      def tls_for(option)
        return option unless @binds.any?(&:tls?) || option
        raise ::ArgumentError, 'https:// needs tls: { cert: …, key: … }' unless option

        require_relative 'tls'
        option.is_a?(TLS) ? option : TLS.new(option)
      end
    end
  end
end
