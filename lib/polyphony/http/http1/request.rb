# frozen_string_literal: true

require_relative '../request'

module Polyphony
  module HTTP
    module HTTP1
      # A request of HTTP/1: one object, whose Strings are made when they are asked for.
      class Request < RequestHead
        include HTTP::Request

        # @see HTTP::Request::Responding#respond
        def respond(body = nil, headers = NO_HEADERS, status: 200)
          answer_at_once(status, headers, body) ? nil : context.respond(self, status, headers, body)
        end

        # @return [String, nil] the protocol that the client wants to change to, in lower case; of several
        #   `websocket`, or the first
        # @suspends no
        def upgrade_requested
          return unless upgrade?

          names = self['upgrade'].downcase.split(/[ \t]*,[ \t]*/)
          names.include?('websocket') ? 'websocket' : names.first
        end
      end
    end
  end
end
