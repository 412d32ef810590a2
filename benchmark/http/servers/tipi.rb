# frozen_string_literal: true

# On the earlier Polyphony.
require_relative 'app'
require 'tipi'

options = { reuse_addr: true, dont_linger: true }
if KEY
  context = OpenSSL::SSL::SSLContext.new
  context.add_certificate(OpenSSL::X509::Certificate.new(File.read(CERTIFICATE)), OpenSSL::PKey.read(File.read(KEY)))
  options[:secure_context] = context
end
Tipi.serve('127.0.0.1', PORT.to_i, options, &Tipi::RackAdapter.run(APP))
