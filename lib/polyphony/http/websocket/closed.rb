# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # A WebSocket that is closed was written to: the client has gone, or we have closed it. A handler need not
      # rescue it.
      class Closed < Disconnected
        # @return [Integer, nil] the code it was closed with
        attr_reader :code

        # @param code [Integer, nil]
        # @param reason [String, nil]
        def initialize(code = nil, reason = nil)
          @code = code
          text = [code, reason].reject { |part| part.nil? || part == '' }.join(': ')
          super("the WebSocket is closed#{" (#{text})" unless text.empty?}")
        end
      end
    end
  end
end
