# frozen_string_literal: true

# Chat rooms are fibers that are sent messages. Their state is local and needs no lock.
#   bin/start examples/chat_room.rb     prints "chat on 127.0.0.1:7000"; then, in other terminals,
#                                       telnet 127.0.0.1 7000, and type: join tea, say hello

require 'polyphony'
require 'socket'

def chat_room
  members = []
  receive_loop do |kind, who, text|
    case kind
    when :join then members |= [who]
    when :say then members.select! { |member| member.send?("#{who}: #{text}") } # who has left, is dead
    end
  end
end

# Rooms belong to a fiber of their own: they outlive the user who came first.
ROOMS = spin(:rooms) do
  rooms = Hash.new { |all, name| all[name] = spin(name) { chat_room } }
  receive_loop { |user, name| user << rooms[name] }
end

def serve_user(socket, name)
  writer = spin { receive_loop { |line| socket.puts line } }
  room = nil
  while (command = socket.gets(chomp: true))
    case command
    when /^join (\w+)/ then ROOMS << [Polyphony.current, $1] and (room = receive) << [:join, writer]
    when /^say (.+)/ then room&.send [:say, name, $1]
    end
  end
rescue SystemCallError
  socket.close # the connection is gone
end

server = TCPServer.new('127.0.0.1', ENV.fetch('PORT', 7000).to_i)
puts "chat on 127.0.0.1:#{server.addr[1]}"
(1..).each { |n| server.accept.then { |socket| spin { serve_user(socket, "user #{n}") } } }
