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

server = Polyphony::HTTP::Server.new(bind: "http://127.0.0.1:#{ENV.fetch('PORT', 9292)}") do |request|
  case "#{request.method} #{request.path}"
  when 'GET /events'
    # When the client has gone, the block is cut where it waits.
    request.sse(retry: 1000) do |events|
      news = NEWS.subscribe(limit: 100, overflow: :drop_oldest)
      events.comment('welcome')
      news.each { |text| events << text }
    ensure
      news&.close
    end
  when 'POST /say'
    NEWS.publish(request.read)
    request.respond("said to #{NEWS.subscribers}\n", status: 202)
  else request.respond("GET /events or POST /say\n", status: 404)
  end
end

puts "listening on #{server.listen.addresses.join(' ')}"
$stdout.flush
server.run
