# frozen_string_literal: true

require_relative 'limits'
require_relative 'bind'
require_relative 'log'
require_relative 'transport'
require_relative 'listener'
require_relative 'stopper'
require_relative 'server/accepting'
require_relative 'access_log'
require_relative 'file_response'
require_relative 'http1/connection'

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

      # Where a server listens if nobody says.
      DEFAULT_BIND = 'http://127.0.0.1:9292'

      # Text of answers that no handler has made.
      MESSAGES = { 400 => 'Bad Request', 408 => 'Request Timeout', 413 => 'Content Too Large', 414 => 'URI Too Long',
                   417 => 'Expectation Failed', 431 => 'Request Header Fields Too Large', 500 => 'Internal Server Error', 501 => 'Not Implemented',
                   503 => 'Service Unavailable', 505 => 'HTTP Version Not Supported' }.freeze
      private_constant :MESSAGES

      # @param status [Integer]
      # @return [String] the body of an answer that no handler has made
      # @api private
      def self.message(status) = "#{status} #{MESSAGES[status]}\n"

      # The time as of the last second: what time limits are measured by.
      class Clock
        # @return [Float] seconds of {Polyphony.now}
        attr_reader :now

        def initialize
          tick
        end

        # Looks at the time.
        def tick
          @now = Polyphony.now
        end
      end
      private_constant :Clock

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

      # Takes no new connection, lets requests finish, then cuts what is left. Any fiber of any thread may call
      # it; in handlers, of requests and of signals, it comes back at once.
      #
      # @param grace [Numeric, nil] seconds for the requests under way; nil: without limit
      # @return [nil]
      # @suspends until the server has stopped
      def stop(grace: 30)
        return never_run unless @running
        return @stopper.stop(grace) if @stopper.needed?

        @draining = true
        @binds.each(&:remove_file)
        @listeners.each(&:finish)
        @connections.each_key(&:drain)
        Polyphony.move_on_after(grace) { wait_for_connections }
        @log.warn("#{@open} connections were cut when the server stopped") if @open.positive?
        @scope.stop
        nil
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

      # @return [Boolean] whether {#stop} was called
      # @suspends no
      def draining? = @draining ? true : false

      # @return [Integer] connections that are open, those in their TLS handshake too
      # @suspends no
      def connections = @open

      # @return [String]
      def inspect = "#<#{self.class} #{addresses.join(' ')} connections=#{connections}>"

      private

      def spin_into(scope)
        @stopper = Stopper.new(self, scope)
        @listeners.each do |listener|
          scope.spin(listener.address) { listener.run { |socket| accepted(listener, socket) } }
        end
        scope.spin(:clock) { keep_time }
        scope.spin(:'access log') { @access_log.keep_writing } if @access_log
      end

      def tls_for(option)
        return option unless @binds.any?(&:tls?) || option
        raise ::ArgumentError, 'https:// needs tls: { cert: …, key: … }' unless option

        require_relative 'tls'
        option.is_a?(TLS) ? option : TLS.new(option)
      end

      def keep_time
        Polyphony.every(1) do
          now = @clock.tick
          @connections.keys.each { |connection| connection.check_time(now) }
        end
      end

      def never_run
        @draining = true
        close_listeners
      end

      def close_listeners
        @binds.each(&:remove_file)
        @listeners.each(&:close)
        nil
      end
    end
  end
end
