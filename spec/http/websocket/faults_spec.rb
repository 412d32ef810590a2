# frozen_string_literal: true

require_relative '../../support/http_certificates'
require_relative '../../support/http_server'
require_relative '../../support/websocket_client'

RSpec.describe 'WebSockets whose peers die', :fibers do
  def descriptors = Dir.children('/proc/self/fd').size

  stages = {
    'before the handshake' => ->(client) { client << 'GET / HT' },
    'in the midst of it' => ->(client) { client << "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Up" },
    'after it' => ->(client) { WebSocketClient.new(client) },
    'in the head of a frame' => ->(client) { WebSocketClient.new(client).raw("\x81") },
    'in its length' => ->(client) { WebSocketClient.new(client).raw("\x81\xfe\x01") },
    'in its mask' => ->(client) { WebSocketClient.new(client).raw("\x81\x85\x01\x02") },
    'in its payload' => ->(client) { WebSocketClient.new(client).raw(WebSocketClient.frame(:text, 'hello')[0, 8]) },
    'between fragments' => ->(client) { WebSocketClient.new(client).send_frame(:text, 'hello', fin: false) },
    'in a close frame' => ->(client) { WebSocketClient.new(client).raw(WebSocketClient.close(1000, 'reason')[0, 9]) },
    'with answers on their way' => ->(client) { WebSocketClient.new(client).raw(WebSocketClient.frame(:binary, 'x' * 100_000, mask: [0] * 4) * 20) },
    'after its close frame' => ->(client) { WebSocketClient.new(client).raw(WebSocketClient.close(1000)) }
  }
  stages.each do |title, stage|
    %i[close reset].each do |way|
      it "#{title}, by a #{way}, leave nothing behind" do
        server = echo
        client = server.connect
        stage.call(client)
        client.public_send(way)
        wait_until { server.server.connections.zero? }
        server.log.lines.grep_v(/the header is incomplete/).then { |lines| expect(lines).to eq([]) }
        expect(websocket(server).close).to eq([1000, ''])
      end
    end
  end

  it 'over TLS leave nothing behind either, without a goodbye' do
    server = echo(server: { bind: 'https://127.0.0.1:0', tls: HttpCertificates.certificate('localhost').options })
    sockets = Array.new(3) { websocket(server) }
    sockets[1].raw(WebSocketClient.frame(:binary, 'x' * 100_000, mask: [0] * 4) * 5)
    sockets[2].raw("\x81")
    sockets.each { |socket| socket.client.io.to_io.close }
    wait_until { server.server.connections.zero? }
    expect(server.log).to eq('')
    expect(websocket(server).close).to eq([1000, ''])
  end

  it 'end what waits to write, and what waits to read' do
    errors = []
    server = websockets(buffer: 1000) do |ws|
      writer = Polyphony.spin { errors << error_of { loop { ws << 'x' * 100_000 } } }
      errors << ws.receive
      writer.await
    end
    client = websocket(server).client
    wait_until { server.server.hub.size == 1 }
    client.reset
    wait_until { errors.size == 2 }
    expect(errors.compact).to match([be_a(Polyphony::HTTP::WebSocket::Closed)])
    wait_until { server.server.connections.zero? && server.server.hub.size.zero? }
    expect(server.log).to eq('')
  end

  it 'do not hold up a server that stops in the midst of sending' do
    server = websockets(buffer: 1_000) { |ws| loop { ws << 'x' * 1_000_000 } }
    clients = Array.new(3) { websocket(server, connect: { receive_buffer: 8192 }).client }
    wait_until { server.server.hub.size == 3 }
    server.server.stop(grace: 0)
    expect(server.log).to match(/3 connections were cut/)
    clients.each(&:close)
  end

  it 'do not hold up the others' do
    server = websockets { |ws| ws.each { |message| ws << message } }
    stuck = websocket(server, connect: { receive_buffer: 8192 })
    spammer = Polyphony.spin { loop { stuck.raw(WebSocketClient.frame(:binary, 'x' * 10_000, mask: [0] * 4)) } }
    socket = websocket(server)
    20.times { |i| expect((socket << i.to_s).receive).to eq(i.to_s) }
    spammer.stop
    stuck.client.reset
    wait_until { server.server.hub.size == 1 }
  end

  it 'do not swallow a stop of the handler, nor its time limit' do
    outcome = []
    server = websockets do |ws|
      outcome << Polyphony.move_on_after(0.01, with_value: :moved_on) { ws.receive }
      outcome << Polyphony.move_on_after(0.01, with_value: :moved_on) { ws.each { nil } }
      outcome << ws.receive
    end
    socket = websocket(server)
    wait_until { outcome.size == 2 }
    socket << 'still there'
    expect(socket.closed).to eq([1000, ''])
    expect(outcome).to eq([:moved_on, :moved_on, 'still there'])
  end

  it 'come and go by the hundred, and leave no descriptor' do
    server = echo
    websocket(server).close
    before = descriptors
    10.times do |round|
      sockets = Array.new(20) { websocket(server) << 'hello' }
      sockets.each do |socket|
        next socket.client.reset if round.even?

        expect([socket.receive, socket.close]).to eq(['hello', [1000, '']])
      end
    end
    wait_until { server.server.hub.size.zero? && server.server.connections.zero? }
    wait_until { descriptors <= before }
  end
end
