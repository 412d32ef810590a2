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

        # A first line of three words that is not even like one of HTTP/1: an answer in HTTP/1 would tell such a
        # client nothing, and one that speaks HTTP/2 badly takes it for a frame.
        FOREIGN = %r{\A[^\s/]+ [^\s/]+ [^\s/]+\r\n}
        private_constant :FOREIGN

        private

        # The parser has refused what came. Has somebody else to deal with it, or nobody?
        def not_http1?(error)
          return if @served.positive? || @transport.tls || !HTTP2.available?

          rest = @parser.take_buffered
          return log_refusal(error) || true if FOREIGN.match?(rest)
          return unless rest.start_with?(HTTP2::PREFACE)

          @transport = nil
          @preface = rest
        end
      end
    end
  end
end
