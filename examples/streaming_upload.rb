# frozen_string_literal: true

# Takes uploads of any size in little memory: the body is read piece by piece, as fast as it is worked on and no
# faster, and the sender waits meanwhile.
#
#   bin/start examples/streaming_upload.rb            serves on http://127.0.0.1:9292, until Ctrl-C
#
#   curl --upload-file some.iso http://127.0.0.1:9292/some.iso
#
# answers with the number of bytes, and their SHA-256.

require 'digest'
require 'polyphony'
require 'polyphony/http'

MOST = 4 << 30

# @return [Array(Integer, String)] bytes and digest
def take(body)
  digest = Digest::SHA256.new
  bytes = 0
  body.each do |chunk|
    digest << chunk
    bytes += chunk.bytesize
  end
  [bytes, digest.hexdigest]
end

bind = "http://127.0.0.1:#{ENV.fetch('PORT', 9292)}"
server = Polyphony::HTTP::Server.new(bind: bind, body_bytes: MOST, handler_timeout: nil) do |request|
  next request.respond("PUT a file here\n", { 'allow' => 'PUT' }, status: 405) unless request.method == 'PUT'

  bytes, digest = take(request.body)
  request.respond("#{bytes} bytes #{digest}\n", { 'content-type' => 'text/plain' }, status: 201)
end

puts "listening on #{server.listen.addresses.join(' ')}"
$stdout.flush
server.run
