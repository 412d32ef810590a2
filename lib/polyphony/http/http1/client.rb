# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP1
      # Who has connected.
      # @api private
      module Client
        # @return [Addrinfo]
        def peer_address
          @peer_address ||= @transport.io.to_io.remote_address
        end

        # @return [String]
        def remote_ip = @remote_ip ||= Transport.remote_ip(@transport.io.to_io)

        # @return [OpenSSL::SSL::SSLSocket, nil]
        def tls = @transport.tls
      end
      private_constant :Client
    end
  end
end
