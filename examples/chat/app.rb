# frozen_string_literal: true

# Chat rooms in the browser, made of fibers and messages.
#
#   bin/start                                  serves it on http://127.0.0.1:9292
#   bin/start --bind http://0.0.0.0:9292       to phones in the same network, too
#   REDIS_URL=redis://… bin/start --workers 2  one chat, however many processes and machines
#
#   door.rb      lets browsers in: a WebSocket, a name, a room
#   visitor.rb   somebody in a room: a fiber that takes what is said
#   room.rb      a room: a fiber that takes messages one at a time; rooms.rb: all of them, supervised
#   history.rb   what was said last; presence.rb: who is where, in all processes

require 'polyphony'
require 'polyphony/http'
require 'polyphony/adapters/redis' if ENV['REDIS_URL']
require_relative 'door'
require_relative 'rooms'

redis = Polyphony::Redis.new if ENV['REDIS_URL']
door = Chat::Door.new(Chat::Rooms.new(redis))
safe = { 'content-security-policy' => "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
         'x-content-type-options' => 'nosniff', 'cache-control' => 'no-cache' }
page = Polyphony::HTTP::Static.new(File.join(__dir__, 'page'), headers: safe)

proc do |request|
  next door.open(request) if request.path == '/chat'

  page.serve(request) || request.respond("not found\n", status: 404)
end
