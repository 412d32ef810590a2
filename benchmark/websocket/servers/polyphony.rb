# frozen_string_literal: true

require 'polyphony/http'

port, mode = ARGV
all = Polyphony::Topic.new
echo = ->(ws) { ws.each { |message| ws << message } }
fanout = lambda do |ws|
  ws.subscribe(all)
  ws.each { |message| all.publish(message) }
end
handler = mode == 'fanout' ? fanout : echo
Polyphony.run do
  Polyphony::HTTP.serve(bind: "http://127.0.0.1:#{port}", connections: 100_000) { |request| request.websocket(deflate: false, ping: nil, &handler) }
end
