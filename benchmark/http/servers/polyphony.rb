# frozen_string_literal: true

require_relative 'app'
require 'polyphony/http'

HEADERS = { 'content-type' => 'text/plain' }.freeze
tls = { cert: CERTIFICATE, key: KEY } if KEY
Polyphony.run do
  Polyphony::HTTP.serve(bind: "http#{'s' if KEY}://127.0.0.1:#{PORT}", tls: tls) do |request|
    request.respond("Hello, world!\n", HEADERS)
  end
end
