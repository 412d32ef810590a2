# frozen_string_literal: true

# A reverse proxy by Net::HTTP: bodies stream through it both ways, and it waits for many backends at once.
#
#   bin/start examples/reverse_proxy.rb http://127.0.0.1:8000     serves on http://127.0.0.1:9292, until Ctrl-C

require 'net/http'
require 'polyphony'
require 'polyphony/http'

BACKEND = URI(ARGV.fetch(0, 'http://127.0.0.1:8000'))
# What is between two hosts only.
HOP = %w[connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade].freeze

def forwarded(request)
  fields = request.headers.reject { |name, _| HOP.include?(name) }
  Net::HTTPGenericRequest.new(request.method, !request.body.empty?, true, request.target, fields).tap do |copy|
    copy['x-forwarded-for'] = [request['x-forwarded-for'], request.remote_ip].compact.join(', ')
    copy['transfer-encoding'] = 'chunked' if request.body.length.nil?
    copy.body_stream = request.body unless request.body.empty?
  end
end

def pass(request, response)
  request.send_headers(response.to_hash.reject { |name, _| HOP.include?(name) }, status: response.code.to_i)
  response.read_body { |chunk| request << chunk } unless request.head?
end

server = Polyphony::HTTP::Server.new(bind: "http://127.0.0.1:#{ENV.fetch('PORT', 9292)}") do |request|
  Net::HTTP.start(BACKEND.host, BACKEND.port, open_timeout: 5, read_timeout: 50, max_retries: 0) do |http|
    http.request(forwarded(request)) { |response| pass(request, response) }
  end
rescue SystemCallError, Timeout::Error, EOFError => e
  raise if request.responded?

  request.respond("502 Bad Gateway: #{e.message}\n", status: 502)
end

puts "listening on #{server.listen.addresses.join(' ')}"
$stdout.flush
server.run
