# frozen_string_literal: true

# A web server and its handler, which is called for each request in the fiber of its connection.
#
#   bin/start examples/hello_server.rb      serves on http://127.0.0.1:9292, until Ctrl-C
#   PORT=8080 bin/start examples/hello_server.rb
#
#   curl http://127.0.0.1:9292/world
#   curl http://127.0.0.1:9292/slow         waits for two seconds, and holds up nobody else

require 'polyphony'
require 'polyphony/http'

server = Polyphony::HTTP::Server.new(bind: "http://127.0.0.1:#{ENV.fetch('PORT', 9292)}") do |request|
  sleep 2 if request.path == '/slow'
  request.respond("hello #{request.path.delete_prefix('/')}\n", { 'content-type' => 'text/plain' })
end

puts "listening on #{server.listen.addresses.join(' ')}"
$stdout.flush
server.run
