# frozen_string_literal: true

require 'websocket/driver'
require_relative '../../support/http2_server'
require_relative '../../support/rack_app'
require_relative '../../support/websocket_client'

RSpec.describe 'WebSockets of Rack apps', :fibers do
  # @return [Integer] the stream
  def connect(client)
    client.new_stream.tap do |stream|
      client.headers(stream, [[':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/chat'], %w[sec-websocket-version 13]], end_stream: false)
    end
  end

  describe 'by polyphony.request' do
    closed = nil
    app = lambda do |env|
      env['polyphony.request'].websocket { |ws| ws.each { |message| ws << "#{env['PATH_INFO']} #{message}" } }
      body = Class.new do
        define_method(:each) { |&block| block.call('ignored') }
        define_method(:close) { closed = true }
      end
      [200, { 'ignored' => 'yes' }, body.new]
    end

    it 'are as for a block; what the app returns is dropped, its body closed' do
      server = rack(app, lint: false)
      socket = websocket(server, '/room')
      expect([(socket << 'hi').receive, socket.close]).to eq(['/room hi', [1000, '']])
      wait_until { closed }
      expect(server.log).to eq('')
      expect(server.get.status).to eq(426)
    end

    it 'are the same over HTTP/2' do
      client = h2(@server = rack(app, lint: false))
      stream = connect(client)
      expect(client.header_of(stream).status).to eq(200)
      client.data(stream, WebSocketClient.frame(:text, 'hi'))
      expect(client.body_of(stream, 10)).to eq("\x81\x08/chat hi".b)
      client.data(stream, WebSocketClient.close(1000), end_stream: true)
      expect([client.response(stream).over?, @server.log]).to eq([true, ''])
    end
  end

  # Frames are the app's affair then: this one says the same frame whatever comes.
  describe 'by rack.protocol' do
    app = lambda do |env|
      next [426, {}, []] unless env['rack.protocol']&.include?('websocket')

      key = env['HTTP_SEC_WEBSOCKET_KEY']
      fields = { 'rack.protocol' => 'websocket', **(key ? { 'sec-websocket-accept' => WebSocketClient::ACCEPT } : {}) }
      [key ? 101 : 200, fields, ->(stream) { stream.readpartial(100) && stream.write("\x81\x02ok\x88\x00".b) && stream.close }]
    end

    it 'get a streaming body over HTTP/1' do
      server = rack(app, lint: false)
      socket = websocket(server)
      expect([(socket << 'hi').receive, socket.next_frame.opcode, socket.client.rest, server.log]).to eq(['ok', :close, '', ''])
      expect(server.get.status).to eq(426)
    end

    it 'get one over HTTP/2' do
      client = h2(@server = rack(app, lint: false))
      stream = connect(client)
      expect(client.header_of(stream).status).to eq(200)
      client.data(stream, WebSocketClient.frame(:text, 'hi'))
      expect(client.body_of(stream, 6)).to eq("\x81\x02ok\x88\x00".b)
      expect(client.get.status).to eq(426)
    end
  end

  # As faye-websocket and ActionCable do it: another engine, on the bare socket, in a thread of its own.
  it 'by a full hijack are what the app makes of the socket' do
    engine = Class.new do
      attr_reader :env

      def initialize(env, io)
        @env = env
        @io = io
        @driver = WebSocket::Driver.rack(self)
        @driver.on(:message) { |event| @driver.text(event.data.upcase) }
        @driver.on(:close) { @closed = true }
        @driver.start
      end

      def write(bytes) = @io.write(bytes)

      def run
        @driver.parse(@io.readpartial(4096)) until @closed
      ensure
        @io.close
      end
    end
    thread = nil
    server = rack(lint: false) do |env|
      io = env['rack.hijack'].call
      thread = Thread.new { engine.new(env, io).run }
      [-1, {}, []]
    end
    socket = websocket(server)
    expect([(socket << 'hello').receive, socket.close(1001).first]).to eq(['HELLO', 1001])
    thread.join
    expect(server.log).to eq('')
  end
end
