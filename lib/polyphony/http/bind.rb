# frozen_string_literal: true

require 'socket'
require 'uri'

module Polyphony
  module HTTP
    # Where a server listens, from its text: `http://0.0.0.0:9292`, `https://[::1]:9293`,
    # `unix:///run/app.sock`, `fd://3` (a socket that was inherited) or `http://host` (ports 80 and 443).
    class Bind
      # Connections that the kernel keeps for us before they are accepted.
      BACKLOG = 4096

      SCHEMES = %w[http https unix unix+tls fd fd+tls].freeze
      private_constant :SCHEMES

      # @return [String] as it was given
      attr_reader :text

      # @param text [String, Bind]
      # @return [Bind]
      # @raise [ArgumentError]
      # @suspends no
      def self.parse(text)
        text.is_a?(Bind) ? text : new(text.to_str)
      end

      # @param text [String]
      # @raise [ArgumentError] for what is no place to listen at
      def initialize(text)
        @text = text
        @scheme, rest = text.split('://', 2)
        unless rest && SCHEMES.include?(@scheme)
          raise ::ArgumentError, "cannot listen at #{text.inspect}: use http://HOST:PORT, https://HOST:PORT, " \
                                 'unix:///PATH or fd://NUMBER'
        end
        unix? || inherited? ? read_path(rest) : read_address(rest)
      end

      # @return [Boolean]
      def tls? = @scheme == 'https' || @scheme.end_with?('+tls')

      # @return [Boolean]
      def unix? = @scheme.start_with?('unix')

      # @return [Boolean]
      def inherited? = @scheme.start_with?('fd')

      # Opens the sockets: a host name may have several addresses.
      #
      # @param reuse_port [Boolean] let other processes listen at the same port
      # @return [Array<TCPServer, UNIXServer>]
      # @raise [SystemCallError] with the address in its message
      # @suspends while a host name is looked up
      def open(reuse_port: false)
        return [inherited] if inherited?
        return [open_unix] if unix?

        open_tcp(reuse_port)
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@text}>"
      alias to_s text

      private

      def read_path(rest)
        @path = rest
        return unless rest.empty? || (inherited? && !rest.match?(/\A\d+\z/))

        raise ::ArgumentError, "cannot listen at #{@text.inspect}: #{inherited? ? 'a descriptor number' : 'a path'} is missing"
      end

      def read_address(rest)
        match = %r{\A(?:\[(?<host>[^\]]+)\]|(?<host>[^:/\[\]]+))(?::(?<port>\d{1,5}))?/?\z}.match(rest)
        port = match && (match[:port] || (tls? ? 443 : 80)).to_i
        raise ::ArgumentError, "cannot listen at #{@text.inspect}: HOST:PORT expected" unless match && port <= 65_535

        @host = match[:host]
        @port = port
      end

      def open_tcp(reuse_port)
        addresses = ::Addrinfo.getaddrinfo(@host, @port, nil, :STREAM, nil, ::Socket::AI_PASSIVE)
        port = @port
        addresses.map do |address|
          server = listen(address, port, reuse_port)
          port = server.local_address.ip_port # 0 was for any: the same one for all addresses
          server
        end
      end

      def listen(address, port, reuse_port)
        socket = ::Socket.new(address.pfamily, ::Socket::SOCK_STREAM, 0)
        socket.setsockopt(:SOCKET, :REUSEADDR, true)
        socket.setsockopt(:SOCKET, :REUSEPORT, true) if reuse_port
        socket.setsockopt(:IPV6, :V6ONLY, true) if address.ipv6?
        socket.bind(::Addrinfo.tcp(address.ip_address, port))
        socket.listen(BACKLOG)
        adopt(::TCPServer, socket)
      rescue ::SystemCallError => e
        socket&.close
        raise e.class, "cannot listen at #{@text}"
      end

      # The same descriptor as an object of the class that the backend knows how to accept from.
      def adopt(klass, socket)
        socket.autoclose = false
        klass.for_fd(socket.fileno)
      end

      # A file left by a server that is gone is replaced; one that somebody listens at is not.
      def open_unix
        ::File.unlink(@path) if ::File.socket?(@path) && !answers?
        server = ::UNIXServer.new(@path)
        server.listen(BACKLOG)
        server
      rescue ::SystemCallError => e
        raise e.class, "cannot listen at #{@text}"
      end

      def answers?
        ::UNIXSocket.new(@path).close
        true
      rescue ::Errno::ECONNREFUSED
        false
      end

      def inherited
        socket = ::Socket.for_fd(@path.to_i)
        klass = socket.local_address.unix? ? ::UNIXServer : ::TCPServer
        adopt(klass, socket)
      rescue ::SystemCallError => e
        raise e.class, "cannot listen at #{@text}: descriptor #{@path} is no socket"
      end
    end
  end
end
