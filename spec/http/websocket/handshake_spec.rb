# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/websocket_client'

RSpec.describe 'Opening a WebSocket', :fibers do
  good = { 'Connection' => 'Upgrade', 'Upgrade' => 'websocket', 'Sec-WebSocket-Version' => '13', 'Sec-WebSocket-Key' => WebSocketClient::KEY }

  it 'answers 101 with what is computed from the key, and nothing that was not asked for' do
    socket = websocket(echo)
    fields = socket.head.lines(chomp: true).drop(1).reject(&:empty?).map { |line| line[/\A[^:]+/] }
    expect(fields).to match_array(%w[upgrade connection date sec-websocket-accept])
  end

  it 'takes names and values in any case, and lists' do
    client = echo.connect
    client << "GET / HTTP/1.1\r\nhost: a\r\nCONNECTION: keep-alive, upgrade\r\nupgrade: h2c, WebSocket\r\n" \
              "sec-websocket-version: 13\r\nsec-websocket-key: #{WebSocketClient::KEY}\r\n\r\n"
    expect(client.read_until("\r\n\r\n")).to start_with('HTTP/1.1 101').and include("upgrade: websocket\r\n")
  end

  it 'reads frames that came with the request' do
    client = echo.connect
    client << "GET / HTTP/1.1\r\nHost: a\r\n#{good.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n#{WebSocketClient.frame(:text, 'early')}"
    client.read_until("\r\n\r\n")
    expect(client.read(7)).to eq("\x81\x05early".b)
  end

  { 'no upgrade' => [{ 'Upgrade' => nil, 'Connection' => nil }, 426, 'websocket'],
    'an upgrade to something else' => [{ 'Upgrade' => 'h2c' }, 426, 'websocket'],
    'another version' => [{ 'Sec-WebSocket-Version' => '8' }, 426, '13'],
    'no version' => [{ 'Sec-WebSocket-Version' => nil }, 400, 'Version'],
    'no key' => [{ 'Sec-WebSocket-Key' => nil }, 400, 'Key'],
    'a short key' => [{ 'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZQ==' }, 400, 'Key'],
    'a key that is no base64' => [{ 'Sec-WebSocket-Key' => '*' * 24 }, 400, 'Key'],
    'malformed extensions' => [{ 'Sec-WebSocket-Extensions' => 'permessage-deflate;;' }, 400, 'Extensions'] }.each do |title, (change, status, hint)|
    it "refuses a request with #{title}, and the block is not called" do
      called = false
      server = websockets { called = true }
      response = server.get(headers: good.merge(change).compact)
      expect([response.status, called]).to eq([status, false])
      expect(response.fields.join(' ') + response.body).to include(hint)
      expect(response['sec-websocket-version']).to eq('13') if hint == '13'
      expect(response['upgrade']).to eq('websocket') if status == 426
    end
  end

  it 'refuses other methods' do
    client = echo.connect
    client.send_request('POST', headers: good)
    expect(client.response.status).to eq(400)
  end

  it 'goes on with HTTP on the connection of a request that was refused' do
    client = echo.connect
    expect(Array.new(2) { client.get.status }).to eq([426, 426])
  end

  it "takes the client's first subprotocol that is known, and none if there is none" do
    server = websockets(protocols: %w[v1 v2]) { |ws| ws << ws.protocol.inspect }
    socket = websocket(server, '/', { 'Sec-WebSocket-Protocol' => 'v3, v2,v1' })
    expect([socket.head[/^sec-websocket-protocol: (.*)\r$/, 1], socket.receive]).to eq(['v2', '"v2"'])
    socket = websocket(server, '/', { 'Sec-WebSocket-Protocol' => 'v3' })
    expect([socket.head.include?('sec-websocket-protocol'), socket.receive]).to eq([false, 'nil'])
  end

  it 'lets in pages of the origins that are allowed, and clients that are no browser' do
    server = websockets(origins: ['https://good.example', /\.ours\z/]) { |ws| ws << 'in' }
    statuses = ['https://good.example', 'https://a.ours', 'https://good.example.evil', 'null', nil].map do |origin|
      client = server.connect
      client.send_request('GET', headers: { **good, 'Origin' => origin }.compact)
      client.read_until("\r\n\r\n")[/\d{3}/]
    end
    expect(statuses).to eq(%w[101 101 403 403 101])
  end

  it 'sends fields of the program' do
    socket = websocket(websockets(headers: { 'set-cookie' => 'a=b' }, &:request))
    expect(socket.head).to include("set-cookie: a=b\r\n")
  end

  it 'tells what is wrong with options, and wants a block' do
    errors = []
    server = serve do |request|
      [{ pong: 1 }, { ping: 0 }, { max_message: 0 }, { overflow: :drop }, { deflate: { level: 10 } }, { deflate: { size: 1 } }, { deflate: 5 }, { close_timeout: -1 }]
        .each { |options| errors << error_of { request.websocket(**options) { nil } } }
      errors << error_of { request.websocket }
      request.respond
    end
    server.get(headers: good)
    expect(errors).to all(be_a(ArgumentError))
    expect(errors.first.message).to include('pong').and include('max_message')
  end

  it 'cannot follow an answer' do
    server = serve do |request|
      request.respond('first')
      request.websocket { nil }
    end
    expect(server.get(headers: good).body).to eq('first')
    wait_until { server.log.include?('answered already') }
  end

  it 'is asked about by websocket? and upgrade_requested' do
    seen = []
    server = serve do |request|
      seen << [request.websocket?, request.upgrade_requested]
      request.respond
    end
    [good, { 'Connection' => 'upgrade', 'Upgrade' => 'Echo, other' }, {}].each { |headers| server.get(headers: headers) }
    expect(seen).to eq([[true, 'websocket'], [false, 'echo'], [false, nil]])
  end

  it 'is logged as 101' do
    out = StringIO.new
    server = echo(server: { access_log: Polyphony::HTTP::AccessLog.new(out) })
    websocket(server, '/room').close
    wait_until { out.string.include?('/room') }
    expect(out.string).to match(%r{"GET /room HTTP/1.1" 101 })
  end
end
