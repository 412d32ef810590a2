# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # Who is on the other side of a connection.
      # @api private
      module Peer
        # @return [Addrinfo]
        def peer_address
          @peer_address ||= @transport.io.to_io.remote_address
        end

        # @return [String]
        def remote_ip
          @remote_ip ||= peer_address.ip? ? peer_address.ip_address.freeze : ''
        rescue ::SystemCallError # the client has gone
          @remote_ip = ''
        end

        # @return [OpenSSL::SSL::SSLSocket, nil]
        def tls = @transport.tls

        # @return [String] for the log
        def peer
          address = peer_address
          address.unix? ? 'unix' : address.inspect_sockaddr
        rescue ::SystemCallError, ::IOError
          'gone'
        end
      end
    end
  end
end
