# frozen_string_literal: true

require_relative '../request'

module Polyphony
  module HTTP
    module HTTP1
      # A request of HTTP/1: one object, whose Strings are made when they are asked for.
      class Request < RequestHead
        include HTTP::Request

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
