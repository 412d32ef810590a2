# frozen_string_literal: true

require_relative '../request'

module Polyphony
  module HTTP
    module HTTP2
      # A request of HTTP/2. It is one of HTTP/1 that came in other words: `:authority` is its host, too.
      class Request < HTTP1::RequestHead
        include HTTP::Request

        # @return [String, nil] the protocol that the client wants to change to, in lower case (RFC 8441)
        # @suspends no
        def upgrade_requested = protocol_name&.downcase
      end
    end
  end
end
