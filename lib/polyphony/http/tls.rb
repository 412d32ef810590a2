# frozen_string_literal: true

require 'openssl'
require_relative 'http2'
require_relative 'tls/certificates'

module Polyphony
  module HTTP
    # TLS for the listeners of a server, by Ruby's OpenSSL: TLS 1.2 and 1.3, ALPN, a certificate for each host
    # name (SNI), session tickets, no renegotiation.
    #
    #   Polyphony::HTTP.serve(bind: 'https://0.0.0.0:443', tls: { cert: 'cert.pem', key: 'key.pem' }) { … }
    class TLS
      # Protocols that are offered by ALPN, best first.
      PROTOCOLS = (HTTP2.available? ? %w[h2 http/1.1] : %w[http/1.1]).freeze

      OPTIONS = %i[cert key certificates ca verify_client min_version ciphers configure].freeze
      private_constant :OPTIONS

      # @param options [Hash]
      # @option options [String, OpenSSL::X509::Certificate, Array<OpenSSL::X509::Certificate>] :cert a PEM file
      #   (with the chain), or what is in it
      # @option options [String, OpenSSL::PKey::PKey] :key a PEM file, or the key
      # @option options [Array<Hash>] :certificates further ones, each with `cert:` and `key:`; which is used
      #   depends on the host name that the client asks for. The first of all is for the others
      # @option options [String] :ca a PEM file of authorities whose certificates clients may have
      # @option options [Symbol] :verify_client :none (default), :optional or :require
      # @option options [Symbol] :min_version :TLS1_2 (default) or :TLS1_3
      # @option options [String] :ciphers for TLS 1.2, as OpenSSL names them
      # @option options [Proc] :configure called with each OpenSSL::SSL::SSLContext before it is used
      # @raise [ArgumentError] for an option that is none, or a missing or unreadable certificate
      def initialize(options)
        unknown = options.keys - OPTIONS
        raise ::ArgumentError, "no TLS option named #{unknown.join(', ')}; there are: #{OPTIONS.join(', ')}" if unknown.any?

        @options = options
        reload
      end

      # Reads the certificates again: new connections get the new ones. When that fails, the old stay.
      #
      # @return [self]
      # @raise [ArgumentError] when a certificate cannot be read or does not fit its key
      # @suspends no
      def reload
        certificates = Certificates.new(@options)
        contexts = certificates.map { |certificate| context(certificate) }
        @by_name = certificates.names.to_h { |name, index| [name, contexts[index]] }.freeze
        contexts.each { |one| one.servername_cb = ->((_, name)) { for_name(name) } }
        @default = contexts.first
        Transport.gone.push(::OpenSSL::SSL::SSLError) unless Transport.gone.include?(::OpenSSL::SSL::SSLError)
        self
      end

      # The handshake, in the fiber of the connection.
      #
      # @param socket [TCPSocket, UNIXSocket]
      # @param seconds [Numeric, nil] the limit
      # @return [OpenSSL::SSL::SSLSocket, nil] nil when the time was over; the socket is closed then
      # @raise [OpenSSL::SSL::SSLError, SystemCallError, IOError] when it fails
      # @suspends until it is done
      def accept(socket, seconds)
        ssl = ::OpenSSL::SSL::SSLSocket.new(socket, @default)
        ssl.sync_close = true
        Polyphony.move_on_after(seconds) { ssl.accept } and return ssl

        socket.close
        nil
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@by_name.keys.join(' ')}>"

      private

      def context(certificate)
        context = ::OpenSSL::SSL::SSLContext.new
        context.min_version = @options.fetch(:min_version, :TLS1_2)
        context.ciphers = @options[:ciphers] if @options[:ciphers]
        context.add_certificate(certificate.leaf, certificate.key, certificate.chain)
        context.options |= ::OpenSSL::SSL::OP_NO_RENEGOTIATION | ::OpenSSL::SSL::OP_CIPHER_SERVER_PREFERENCE |
                           ::OpenSSL::SSL::OP_NO_COMPRESSION
        context.options |= ::OpenSSL::SSL::OP_IGNORE_UNEXPECTED_EOF if defined?(::OpenSSL::SSL::OP_IGNORE_UNEXPECTED_EOF)
        context.session_id_context = 'polyphony'
        context.alpn_select_cb = ->(offered) { (PROTOCOLS & offered).first }
        verify_clients(context)
        @options[:configure]&.call(context)
        context
      end

      def verify_clients(context)
        mode = @options.fetch(:verify_client, :none)
        context.verify_mode = { none: ::OpenSSL::SSL::VERIFY_NONE, optional: ::OpenSSL::SSL::VERIFY_PEER,
                                require: ::OpenSSL::SSL::VERIFY_PEER | ::OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT }
                              .fetch(mode) { raise ::ArgumentError, "verify_client is :none, :optional or :require, not #{mode.inspect}" }
        context.ca_file = @options[:ca] if @options[:ca]
      end

      # The most exact name first, then a wildcard for one label.
      def for_name(name)
        name = name.downcase.delete_suffix('.')
        @by_name[name] || @by_name["*.#{name.split('.', 2).last}"] || @default
      end
    end
  end
end
