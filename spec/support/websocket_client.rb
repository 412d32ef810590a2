# frozen_string_literal: true

require_relative 'http_client'

# A client of WebSockets that sends whatever it is told, right or wrong, and reads strictly what servers may send.
# It shares no code with the server.
class WebSocketClient
  KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
  ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
  OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 }.freeze

  # A frame from the server.
  Frame = Struct.new(:opcode, :payload, :fin, :rsv) do
    # @return [Array(Integer, String)] of a close frame
    def close = [payload.unpack1('n'), payload.byteslice(2..).to_s.force_encoding('UTF-8')]
  end

  # @return [HttpServer::Client]
  attr_reader :client
  # @return [String] the head of the server's answer
  attr_reader :head

  # @return [String] the bytes of a frame, masked
  # @param opcode [Symbol, Integer]
  # @param length [Integer] the first length, where it is to be a wrong one
  def self.frame(opcode, payload = '', fin: true, rsv: 0, mask: [1, 2, 3, 4], masked: true)
    payload = payload.b
    size = payload.bytesize
    first = (fin ? 0x80 : 0) | (rsv << 4) | (OPCODES[opcode] || opcode)
    bit = masked ? 0x80 : 0
    head = if size < 126 then [first, bit | size].pack('CC')
           elsif size < 65_536 then [first, bit | 126, size].pack('CCn')
           else [first, bit | 127, size].pack('CCQ>')
           end
    return head << payload unless masked

    key = mask.pack('C4')
    body = payload.empty? ? '' : payload.bytes.each_with_index.map { |byte, i| byte ^ mask[i & 3] }.pack('C*')
    head << key << body
  end

  # @return [String] of a message cut into so many bytes a frame
  def self.fragments(opcode, payload, size)
    pieces = payload.b.scan(/.{1,#{size}}/mn)
    pieces.each_with_index.map do |piece, i|
      frame(i.zero? ? opcode : :continuation, piece, fin: i == pieces.size - 1)
    end.join
  end

  # @return [String] a close frame
  def self.close(code, reason = '') = frame(:close, [code].pack('n') << reason.b)

  # @param client [HttpServer::Client] connected
  def initialize(client, path = '/', headers = {})
    @client = client
    client << "GET #{path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: #{KEY}\r\n" \
              "#{headers.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n"
    @head = client.read_until("\r\n\r\n")
    raise @head unless @head.start_with?('HTTP/1.1 101') && @head.include?(ACCEPT)
  end

  # Sends a text.
  def <<(text)
    send_frame(:text, text)
  end

  # @see .frame
  def send_frame(...)
    raw(self.class.frame(...))
  end

  # Sends bytes as they are.
  def raw(bytes)
    @client << bytes
    self
  end

  # @return [Frame] the next one, whatever it is
  def next_frame
    first, second = @client.read(2).unpack('CC')
    raise 'a server must not mask' if second & 0x80 != 0

    length = case second
             when 126 then @client.read(2).unpack1('n')
             when 127 then @client.read(8).unpack1('Q>')
             else second
             end
    opcode = OPCODES.key(first & 0x0f) or raise "no opcode: #{first}"
    Frame.new(opcode, @client.read(length), first & 0x80 != 0, (first >> 4) & 7)
  end

  # @return [String, Array] the next message: a text, or bytes; at the end [code, reason] of its close frame
  def receive
    frame = next_frame
    case frame.opcode
    when :text then frame.payload.force_encoding('UTF-8')
    when :binary then frame.payload
    when :close then frame.close
    else receive
    end
  end

  # @return [Array(Integer, String)] code and reason the server closes with, and nothing behind them; answers it
  def closed
    found = receive
    raise "not closed, but #{found.inspect}" unless found.is_a?(Array)

    raw(self.class.close(found.first || 1000)) unless @closing
    rest = @client.rest
    raise "more behind the close frame: #{rest.inspect}" unless rest.empty?

    @client.close
    found
  end

  # Closes as clients should.
  # @return [Array(Integer, String)] what the server has answered
  def close(code = 1000, reason = '')
    @closing = true
    raw(self.class.close(code, reason))
    closed
  end
end

# For specs of the server's WebSockets.
module WebSockets
  # @param options [Hash] of Request#websocket
  # @return [HttpServer::Running] that sends back what it gets
  def echo(server: {}, **options)
    serve(**server) { |request| request.websocket(**options) { |ws| ws.each { |message| ws << message } } }
  end

  # @return [HttpServer::Running] whose WebSockets are handled by the block
  def websockets(server: {}, **options, &block)
    serve(**server) { |request| request.websocket(**options, &block) }
  end

  # @return [WebSocketClient] connected
  # @param connect [Hash] of {HttpServer::Client.open}
  def websocket(server, path = '/', headers = {}, connect: {}) = WebSocketClient.new(server.connect(**connect), path, headers)
end

RSpec.configure { |config| config.include WebSockets } if defined?(RSpec)
