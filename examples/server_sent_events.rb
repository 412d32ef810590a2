# frozen_string_literal: true

# Server-sent events: what one says, all others see at once. Each open page costs a fiber that waits.
#
#   bin/start examples/server_sent_events.rb          serves on http://127.0.0.1:9292, until Ctrl-C
#
#   curl --no-buffer http://127.0.0.1:9292/events     follows
#   curl --data 'hello' http://127.0.0.1:9292/say     says something

require 'polyphony'
require 'polyphony/http'

NEWS = Polyphony::Topic.new
HEADERS = { 'content-type' => 'text/event-stream', 'cache-control' => 'no-store' }.freeze

# A comment now and then shows that the client is there still. When it has gone, send_chunk raises.
def follow(request)
  subscription = NEWS.subscribe(limit: 100, overflow: :drop_oldest)
  request.send_headers(HEADERS)
  request << ": welcome\n\n"
  loop do
    text = Polyphony.move_on_after(15) { subscription.receive }
    request << (text ? "data: #{text.gsub("\n", "\ndata: ")}\n\n" : ": still here\n\n")
  end
ensure
  subscription&.close
end

server = Polyphony::HTTP::Server.new(bind: "http://127.0.0.1:#{ENV.fetch('PORT', 9292)}") do |request|
  case "#{request.method} #{request.path}"
  when 'GET /events' then follow(request)
  when 'POST /say'
    NEWS.publish(request.read)
    request.respond("said to #{NEWS.subscribers}\n", status: 202)
  else request.respond("GET /events or POST /say\n", status: 404)
  end
end

puts "listening on #{server.listen.addresses.join(' ')}"
$stdout.flush
server.run
