# frozen_string_literal: true

require_relative 'http1'

module Polyphony
  module HTTP
    # HTTP/2 as bytes and back, in C (ext/http, over nghttp2): {Session} is one connection, {Exchange} one request on it and
    # its answer. They know no socket and no fiber; docs/http-codec.md is about them.
    module HTTP2
      # What a client that speaks HTTP/2 sends first.
      PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

      # @return [Boolean] whether it was built in (see ext/http/extconf.rb)
      # @suspends no
      def self.available? = const_defined?(:Session, false)
    end
  end
end

require_relative 'http2/limits'
