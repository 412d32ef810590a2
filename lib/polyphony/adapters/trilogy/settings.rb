# frozen_string_literal: true

require 'uri'

module Polyphony
  class Trilogy
    # Where the server is, and how connections to it are made.
    class Settings
      SCHEMES = %w[mysql trilogy mysql2 mariadb].freeze
      # Seconds between two tries while a server starts again; they double.
      FIRST_PAUSE = 0.05
      LONGEST_PAUSE = 1
      # What a server that starts or stops says, and what a listening socket with nobody behind it does.
      AWAY = [::Errno::ECONNREFUSED, ::Errno::ECONNRESET, ::Errno::ENOENT, ::Trilogy::EOFError].freeze
      private_constant :SCHEMES, :FIRST_PAUSE, :LONGEST_PAUSE, :AWAY

      # @return [Numeric] seconds
      attr_reader :grace

      # @raise [ArgumentError, TypeError]
      def initialize(server, reconnect, grace)
        @options = { connect_timeout: 5, **given(server) }.freeze
        @reconnect = Polyphony.duration(reconnect, 'reconnect')
        @grace = Polyphony.duration(grace, 'grace')
        @seen = false
      end

      # @return [::Trilogy]
      # @raise [::Trilogy::ConnectionError]
      # @suspends until it is connected; while a server that was there is away, for `reconnect` seconds
      def connect
        give_up_at = Polyphony.now + (@seen ? @reconnect : 0)
        pause = FIRST_PAUSE
        begin
          connect_once.tap { @seen = true }
        rescue *AWAY
          raise if Polyphony.now + pause > give_up_at

          ::Kernel.sleep(pause)
          pause = [pause * 2, LONGEST_PAUSE].min
          retry
        end
      end

      # @return [::Trilogy] without waiting for a server that is away
      # @suspends until it is connected
      def connect_once = ::Trilogy.new(@options.dup)

      # @return [String] without the password
      def to_s
        place = @options[:socket] || "#{@options[:host]}:#{@options.fetch(:port, 3306)}"
        "#{@options[:username]}@#{place}/#{@options[:database]}"
      end
      alias inspect to_s

      private

      def given(server)
        case server
        when ::Hash then server.transform_keys(&:to_sym)
        when ::String then parse(server)
        else raise ::TypeError, "server must be a URL or a Hash of options, not #{server.inspect}"
        end
      end

      def parse(url)
        uri = ::URI.parse(url)
        unless SCHEMES.include?(uri.scheme) && uri.host # the message has no password in it
          raise ::ArgumentError, 'not a URL of a MySQL server; wanted is mysql://user:password@host:port/database'
        end

        { host: uri.hostname, port: uri.port, username: plain(uri.user), password: plain(uri.password),
          database: plain(uri.path.delete_prefix('/')), **query(uri) }.compact
      end

      def plain(text) = text && !text.empty? ? ::URI.decode_www_form_component(text.gsub('+', '%2B')) : nil

      # Numbers as such: ssl_mode, read_timeout.
      def query(uri)
        ::URI.decode_www_form(uri.query.to_s).to_h do |name, value|
          [name.to_sym, ::Kernel.Integer(value, exception: false) || value]
        end
      end
    end
    private_constant :Settings
  end
end
