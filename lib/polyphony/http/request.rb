# frozen_string_literal: true

require_relative 'request/query'
require_relative 'request/responding'
require_relative 'request/upgrading'

module Polyphony
  module HTTP
    # A request, whatever the version of HTTP: what the handler is given as soon as the header is there.
    # The body is read when the handler asks for it (see {#body}), the answer is given with {#respond}, or
    # piece by piece with {#send_headers}, {#send_chunk} and {#finish}.
    #
    # The classes it is included in are the protocols' (HTTP1::Request); they have `method`, `path`,
    # `query_string`, `target`, `headers`, `[]`, `each_header`, `authority` and `version`.
    module Request
      include Query
      include Responding
      include Upgrading

      # @return [String] "http" or "https"
      # @suspends no
      def scheme = context.scheme

      # @return [String] "HTTP/1.1"
      # @suspends no
      def protocol = version

      # @return [Addrinfo] the client's
      # @suspends no
      def peer_address = context.peer_address

      # @return [String] the client's address as text, without port; "" for a UNIX socket
      # @suspends no
      def remote_ip = context.remote_ip

      # @return [OpenSSL::SSL::SSLSocket, nil] the TLS of the connection: its cipher, the client's certificate
      # @suspends no
      def tls = context.tls

      # The body, to be read once. Its bytes are taken from the connection as they are asked for, so that a
      # client cannot send faster than the handler reads. What is left unread is dropped.
      #
      # @return [Polyphony::HTTP::Body]
      # @suspends no; its methods do
      def body = context.body_of(self)

      # The whole body.
      #
      # @return [String] in BINARY
      # @raise [Polyphony::HTTP::PayloadTooLarge] past `body_bytes`
      # @raise [Polyphony::HTTP::ProtocolError, Polyphony::HTTP::Disconnected] when it cannot be had
      # @suspends until it is there
      def read = body.read

      # Yields the body in pieces, as they come.
      #
      # @yieldparam chunk [String] in BINARY
      # @return [self]
      # @suspends between two of them
      def each_chunk(&block)
        body.each(&block)
        self
      end

      # @return [Hash{String => String}] fields that followed a chunked body, once it has been read
      # @suspends no
      def trailers = context.trailers_of(self)

      # @return [Boolean] for HEAD: the answer has no body
      # @suspends no
      def head? = method == 'HEAD'

      # @return [Boolean] whether the connection was taken by {#hijack}
      # @suspends no
      def hijacked? = context.hijacked?
    end
  end
end
