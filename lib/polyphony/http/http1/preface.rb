# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP1
      # Clients that speak HTTP/2 from the first byte on, without being asked (RFC 9113, section 3.3). What they begin with
      # was chosen to be no request of HTTP/1, so that nothing has to look for it.
      # @api private
      module Preface
        # @return [String, nil] what such a client has sent so far; the connection goes on, with somebody else
        attr_reader :preface

        private

        # The parser has refused what came.
        def http2?
          return if @served.positive? || @transport.tls || !HTTP2.available?

          rest = @parser.take_buffered
          return unless rest.start_with?(HTTP2::PREFACE)

          @transport = nil
          @preface = rest
        end
      end
    end
  end
end
