# frozen_string_literal: true

require_relative 'http_client'

# A client of WebSockets that can do as much as specs of others' servers need: short texts, and the end.
class WebSocketClient
  # @param client [HttpServer::Client] connected
  def initialize(client, path, headers = {})
    @client = client
    client << "GET #{path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
              "#{headers.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n"
    head = client.read_until("\r\n\r\n")
    raise head unless head.start_with?('HTTP/1.1 101') && head.include?('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  end

  # Sends a text of less than 126 bytes.
  def <<(text)
    @client << [0x81, 0x80 | text.bytesize, 0, text].pack('CCNa*')
    self
  end

  # @return [String] the next text
  def receive
    opcode, length = @client.read(2).unpack('CC')
    length = @client.read(2).unpack1('n') if length == 126
    text = @client.read(length)
    opcode == 0x81 ? text.force_encoding('UTF-8') : receive
  end
end
