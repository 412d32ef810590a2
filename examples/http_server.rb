# frozen_string_literal: true

# A small HTTP/1 server: each connection has a fiber, http_parser.rb does the parsing.
#
#   bin/start examples/http_server.rb         serves on 127.0.0.1:1234, until Ctrl-C
#   PORT=8080 HOST=0.0.0.0 bin/start examples/http_server.rb
#
# prints "listening on http://127.0.0.1:1234".

require 'http/parser'
require 'polyphony'
require 'socket'

def handle_client(socket)
  parser = Http::Parser.new
  requests = 0
  parser.on_message_complete = proc { requests += 1 }

  Thread.current.backend.read_loop(socket) do |data|
    parser << data
    requests.times { reply(socket) }
    requests = 0
  end
rescue Http::Parser::Error, Errno::ECONNRESET, Errno::EPIPE => e
  warn "connection dropped: #{e.message}" if $VERBOSE
ensure
  socket.close
end

def reply(socket)
  data = "Hello world!\n"
  headers = "Content-Type: text/plain\r\nContent-Length: #{data.bytesize}\r\n"
  socket.write "HTTP/1.1 200 OK\r\n#{headers}\r\n#{data}"
end

server = TCPServer.new(ENV.fetch('HOST', '127.0.0.1'), ENV.fetch('PORT', 1234).to_i)
puts "listening on http://#{server.local_address.inspect_sockaddr}"
$stdout.flush

Thread.current.backend.accept_loop(server) { |client| spin { handle_client(client) } }
