# frozen_string_literal: true

require_relative 'fields'

module Polyphony
  module HTTP
    module Rack
      # `rack.hijack`: takes the connection. One for all its requests, and smaller than a Proc, which an idle
      # connection would keep.
      # @api private
      class Hijack
        # @param context [HTTP1::Connection]
        def initialize(context)
          @context = context
        end

        # @return [IO]
        def call = @context.request.hijack
      end

      # `rack.early_hints`: sends 103. One for all requests of a connection.
      # @api private
      class EarlyHints
        # @param context [HTTP1::Connection, HTTP2::Stream]
        def initialize(context)
          @context = context
        end

        # @param headers [Hash]
        def call(headers) = @context.request.send_early_hints(Fields.plain(headers))
      end
      private_constant :Hijack, :EarlyHints
    end
  end
end
