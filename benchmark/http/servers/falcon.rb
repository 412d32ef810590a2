# frozen_string_literal: true

# One reactor in this process, without falcon's supervisor.
require_relative 'app'
require 'async'
require 'async/http/endpoint'
require 'falcon'

options = { reuse_address: true }
if KEY
  context = OpenSSL::SSL::SSLContext.new
  context.add_certificate(OpenSSL::X509::Certificate.new(File.read(CERTIFICATE)), OpenSSL::PKey.read(File.read(KEY)))
  context.alpn_select_cb = ->(offered) { (%w[h2 http/1.1] & offered).first }
  options[:ssl_context] = context
end
endpoint = Async::HTTP::Endpoint.parse("http#{'s' if KEY}://127.0.0.1:#{PORT}", **options)
Async { Falcon::Server.new(Falcon::Server.middleware(APP, cache: false), endpoint).run }
