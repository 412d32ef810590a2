# frozen_string_literal: true

require 'async'
require 'async/http/endpoint'
require 'async/websocket/adapters/rack'
require 'falcon'

PORT, MODE = ARGV
ALL = Set.new

app = lambda do |env|
  Async::WebSocket::Adapters::Rack.open(env) do |connection|
    ALL << connection
    while (message = connection.read)
      (MODE == 'fanout' ? ALL : [connection]).each do |one|
        one.write(message)
        one.flush
      end
    end
  ensure
    ALL.delete(connection)
  end or [404, {}, []]
end
endpoint = Async::HTTP::Endpoint.parse("http://127.0.0.1:#{PORT}", reuse_address: true)
Async { Falcon::Server.new(Falcon::Server.middleware(app, cache: false), endpoint).run }
