# frozen_string_literal: true

require_relative '../../support/http2_server'
require_relative '../../support/websocket_client'

# RFC 8441.
HTTP2Server::TRANSPORTS.each do |transport, bind|
  RSpec.describe "WebSockets over HTTP/2, #{transport}", :fibers do
    define_method(:sockets) do |**options, &block|
      serve(bind: bind, **(transport == 'TLS' ? { tls: tls_options } : {})) { |request| request.websocket(**options, &block) }
    end

    # @return [Integer] the stream
    def open_socket(client, fields = { 'sec-websocket-version' => '13' }, protocol: 'websocket')
      client.new_stream.tap do |stream|
        client.headers(stream, [[':method', 'CONNECT'], [':protocol', protocol], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/chat'], *fields], end_stream: false)
      end
    end

    def echo(**options) = sockets(**options) { |ws| ws.each { |message| ws << message } }

    it 'open with 200, talk, and close' do
      seen = nil
      server = sockets(protocols: 'v1') do |ws|
        ws.each { |message| ws << message }
        seen = [ws.close_code, ws.request.path, ws.protocol]
      end
      client = h2(server)
      stream = open_socket(client, { 'sec-websocket-version' => '13', 'sec-websocket-protocol' => 'v0, v1' })
      header = client.header_of(stream)
      expect([header.status, header['sec-websocket-protocol'], header['sec-websocket-accept'], header['upgrade']]).to eq([200, 'v1', nil, nil])
      client.data(stream, WebSocketClient.frame(:text, 'hello') + WebSocketClient.frame(:ping, 'x'))
      expect(client.body_of(stream, 10)).to eq("\x81\x05hello\x8a\x01x".b)
      client.data(stream, WebSocketClient.close(1000), end_stream: true)
      response = client.response(stream)
      expect([response.body.byteslice(10..), response.over?]).to eq(["\x88\x02\x03\xe8".b, true])
      wait_until { seen }
      expect(seen).to eq([1000, '/chat', 'v1'])
    end

    it 'are refused where the request is none, or of another version, and HTTP goes on' do
      client = h2(echo)
      expect(client.get.status).to eq(426)
      stream = open_socket(client, { 'sec-websocket-version' => '8' })
      header = client.header_of(stream)
      expect([header.status, header['sec-websocket-version']]).to eq([426, '13'])
      expect(client.header_of(open_socket(client, {})).status).to eq(400)
    end

    it 'carry messages that are larger than all windows, both ways, beside others' do
      client = h2(echo(max_message: 1 << 20))
      streams = Array.new(3) { open_socket(client) }
      bytes = Random.new(1).bytes(300_000)
      frame = WebSocketClient.frame(:binary, bytes, mask: [0] * 4)
      streams.each { |stream| client.header_of(stream) && client.upload(stream, frame, finish: false) }
      streams.each { |stream| expect(client.body_of(stream, 300_010).byteslice(10..) == bytes).to be(true) }
      expect(client.get.status).to eq(426)
    end

    it 'answer what is wrong with a close frame and the end of the stream' do
      client = h2(echo)
      stream = open_socket(client)
      client.header_of(stream)
      client.data(stream, WebSocketClient.frame(:text, "\xff"))
      response = client.response(stream)
      expect(response.body.unpack('CCn')).to eq([0x88, 2 + 'a text is not UTF-8'.size, 1007])
      expect(client.get.status).to eq(426)
    end

    it 'end when the stream is reset, or the connection lost' do
      ended = []
      server = sockets { |ws| ws.each { nil } && ended << ws.close_code }
      client = h2(server)
      streams = Array.new(2) { open_socket(client) }
      streams.each { |stream| client.header_of(stream) }
      client.rst_stream(streams.first)
      wait_until { ended == [1006] }
      client.io.close
      wait_until { ended == [1006, 1006] }
      wait_until { server.server.hub.size.zero? }
    end

    it 'close with 1001 when the server stops' do
      server = echo
      client = h2(server)
      stream = open_socket(client)
      client.header_of(stream)
      stopping = Polyphony.spin { server.server.stop }
      expect(client.body_of(stream, 4)).to eq("\x88\x02\x03\xe9".b)
      client.data(stream, WebSocketClient.close(1001), end_stream: true)
      stopping.await
    end

    it 'get what is published to topics; who takes nothing is dropped' do
      topic = Polyphony::Topic.new
      server = sockets(buffer: 100_000) do |ws|
        ws.subscribe(topic)
        ws << 'ready'
        ws.each { nil }
      end
      client = h2(server, window: :held)
      stream = open_socket(client)
      client.header_of(stream)
      expect(client.body_of(stream, 7)).to eq("\x81\x05ready".b)
      topic << 'news'
      expect(client.body_of(stream, 13)).to end_with("\x81\x04news".b)
      40.times do
        topic << 'x' * 10_000
        Polyphony.snooze
      end
      wait_until { server.log.include?('more than may (1013)') }
    end
  end
end
