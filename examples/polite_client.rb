# frozen_string_literal: true

# A client that keeps to the rules of a service: fifty requests a second, the first five at once, over one connection,
# and ten seconds for all of it. The service hangs up once: the connection is replaced.
#
#   bin/start examples/polite_client.rb
#
# prints
#
#   20 answers, from ANSWER 0 to ANSWER 19
#   connections: 2 made, 1 discarded

require 'polyphony'
require 'socket'

server = TCPServer.new('127.0.0.1', 0)
hang_up = true
service = lambda do |client|
  while (line = client.gets)
    break hang_up = false if hang_up && line.end_with?("7\n")

    client.puts line.upcase
  end
  client.close
end
spin { loop { server.accept.then { |client| spin { service.call(client) } } } }

rate = Polyphony::Throttler.new(50, burst: 5)
connections = Polyphony::ResourcePool.new(limit: 1, close: :close.to_proc, discard_on_error: true) do
  TCPSocket.new('127.0.0.1', server.addr[1])
end

ask = lambda do |text|
  rate.process { connections.acquire { |socket| socket.puts(text) || socket.readline(chomp: true) } }
rescue EOFError
  retry
end

answers = cancel_after(10) { Fiber.await(*Array.new(20) { |i| spin { ask.call("answer #{i}") } }) }
puts "#{answers.size} answers, from #{answers.first} to #{answers.last}"
puts format('connections: %<made>d made, %<discarded>d discarded', connections.stats)
