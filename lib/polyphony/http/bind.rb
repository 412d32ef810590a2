# frozen_string_literal: true

require 'socket'
require_relative 'bind/opening'

module Polyphony
  module HTTP
    # Where a server listens, from its text: `http://0.0.0.0:9292`, `https://[::1]:9293`,
    # `unix:///run/app.sock` (or `unix:///run/app.sock?mode=660`, for who may connect), `fd://3` (a socket that
    # was inherited) or `http://host` (ports 80 and 443).
    class Bind
      include Opening

      # Connections that the kernel keeps for us before they are accepted.
      BACKLOG = 4096

      SCHEMES = %w[http https unix unix+tls fd fd+tls].freeze
      private_constant :SCHEMES

      # Bytes of the path of a socket, as the kernel has it.
      LONGEST_PATH = 107
      private_constant :LONGEST_PATH

      # @return [String] as it was given
      attr_reader :text
      # @return [String] the same for all binds that cannot be open at once
      attr_reader :place

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
        return [open_inherited] if inherited?
        return [open_unix] if unix?

        open_tcp(reuse_port)
      end

      # Removes the file of a socket that {#open} has made, if it is still there. Other processes of ours,
      # which have the socket too, leave it.
      #
      # @return [void]
      # @suspends no
      def remove_file
        created, @created = @created, nil
        ::File.unlink(@path) if created && created == mark
      rescue ::SystemCallError
        nil
      end

      # Takes over from one whose sockets it takes over.
      #
      # @param former [Bind] of the same place
      # @return [self]
      # @suspends no
      # @api private
      def succeed(former)
        @created = former.created
        self
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@text}>"
      alias to_s text

      protected

      # @return [Array, nil] what tells the file of a socket, and the process that made it
      attr_reader :created

      private

      def read_path(rest)
        @path = rest
        why = inherited? ? wrong_with_number : wrong_with_path
        raise ::ArgumentError, "cannot listen at #{@text.inspect}: #{why}" if why

        @place = "#{unix? ? 'unix' : 'fd'}://#{@path}"
      end

      def wrong_with_number
        'a descriptor number is missing' unless @path.match?(/\A\d{1,6}\z/)
      end

      def wrong_with_path
        @path, _, mode = @path.partition('?mode=')
        return 'a path is missing' if @path.empty?
        return "a path may have #{LONGEST_PATH} bytes" if @path.bytesize > LONGEST_PATH
        return if mode.empty?

        @mode = mode[/\A[0-7]{3,4}\z/]&.to_i(8)
        'mode must be octal, as in ?mode=660' unless @mode
      end

      def read_address(rest)
        match = %r{\A(?:\[(?<host>[^\]]+)\]|(?<host>[^:/\[\]]+))(?::(?<port>\d{1,5}))?/?\z}.match(rest)
        port = match && (match[:port] || (tls? ? 443 : 80)).to_i
        raise ::ArgumentError, "cannot listen at #{@text.inspect}: HOST:PORT expected" unless match && port <= 65_535

        @host = match[:host]
        @port = port
        @place = "#{@host}:#{@port}"
      end
    end
  end
end
