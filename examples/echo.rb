# frozen_string_literal: true

# A TCP echo server, with a fiber for each connection, and three clients that talk to it.
#
#   bin/start examples/echo.rb              prints their answers (one, two, three) and ends
#   PORT=7000 bin/start examples/echo.rb    serves on that port until Ctrl-C

require 'polyphony'
require 'socket'

def serve(server)
  loop do
    socket = server.accept
    spin do
      IO.copy_stream(socket, socket)
    rescue Errno::ECONNRESET, Errno::EPIPE
      nil # the client is gone
    ensure
      socket.close
    end
  end
end

server = TCPServer.new('127.0.0.1', ENV.fetch('PORT', 0).to_i)
port = server.addr[1]
listener = spin(:listener) { serve(server) }

if ENV['PORT']
  puts "echo on 127.0.0.1:#{port}"
  listener.await
end

answers = %w[one two three].map do |word|
  spin do
    TCPSocket.open('127.0.0.1', port) { |socket| socket.puts(word); socket.gets }
  end
end
puts Fiber.await(*answers)
