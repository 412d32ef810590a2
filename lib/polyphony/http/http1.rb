# frozen_string_literal: true

require_relative 'errors'
require_relative 'ext'
require_relative 'http1/limits'

module Polyphony
  module HTTP
    # HTTP/1.0 and 1.1 as bytes and back, in C (ext/http): {Parser} reads requests, {RequestHead} is what it
    # finds, {Writer} makes responses. They know no socket and no fiber; docs/http-codec.md is about them.
    module HTTP1
    end
  end
end
