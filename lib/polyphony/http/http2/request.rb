# frozen_string_literal: true

require_relative '../request'

module Polyphony
  module HTTP
    module HTTP2
      # A request of HTTP/2. It is one of HTTP/1 that came in other words: `:authority` is its host, too.
      class Request < RequestHead
        include HTTP::Request

        # @see HTTP::Request::Responding#respond
        def respond(body = nil, headers = NO_HEADERS, status: 200)
          answer_at_once(status, headers, body) ? nil : context.respond(self, status, headers, body)
        end

        # @return [String, nil] the protocol that the client wants to change to, in lower case (RFC 8441)
        # @suspends no
        def upgrade_requested = protocol_name&.downcase
      end
    end
  end
end
