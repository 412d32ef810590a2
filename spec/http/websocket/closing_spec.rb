# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/virtual_time'
require_relative '../../support/websocket_client'
require 'tmpdir'

RSpec.describe 'Closing a WebSocket', :fibers do
  # Virtual time needs sockets on which what was sent has come at once.
  around do |example|
    Dir.mktmpdir do |dir|
      @unix = { bind: "unix://#{dir}/socket" }
      example.run
    end
  end

  it 'is done with 1000 by the end of the block, whose value websocket gives' do
    value = nil
    server = serve { |request| value = request.websocket { |ws| (ws << 'bye') && :value } }
    socket = websocket(server)
    expect([socket.receive, socket.closed]).to eq(['bye', [1000, '']])
    wait_until { value == :value }
  end

  it 'is done by break, too' do
    server = websockets { |ws| ws.each { |message| break if message } }
    expect((websocket(server) << 'x').closed).to eq([1000, ''])
  end

  it 'is done with 1011 by an error, which goes on to the log' do
    server = websockets { raise 'oops' }
    expect(websocket(server).closed).to eq([1011, ''])
    wait_until { server.log.include?('oops') }
  end

  it 'is done with a code and a reason by close; what was sent before comes before' do
    codes = []
    server = websockets do |ws|
      ws << 'before'
      ws.close(4321, 'grün')
      codes << ws.closed? << error_of { ws << 'after' } << ws.receive << ws.close_code
    end
    socket = websocket(server)
    expect([socket.receive, socket.closed]).to eq(['before', [4321, 'grün']])
    wait_until { codes.size == 4 }
    expect(codes).to match([true, be_a(Polyphony::HTTP::WebSocket::Closed), nil, 4321])
    expect(server.log).to eq('')
  end

  it 'drops messages that come after close' do
    server = websockets do |ws|
      ws.close
      raise 'it got one' if ws.receive
    end
    socket = websocket(server)
    socket << 'late' << 'later'
    expect([socket.closed, server.log]).to eq([[1000, ''], ''])
  end

  it 'ends a handler that writes to a client which has closed, without a line in the log' do
    server = websockets do |ws|
      ws.receive
      ws << 'x'
    end
    socket = websocket(server)
    expect([socket.close(3000), server.log]).to eq([[3000, ''], ''])
    wait_until { server.server.connections.zero? }
    expect(server.log).to eq('')
  end

  it 'tells what it was closed with to those who write' do
    error = nil
    server = websockets do |ws|
      ws.receive
      error = error_of { ws << 'x' }
    end
    websocket(server).close(3000, 'enough')
    expect([error.code, error.message]).to eq([3000, 'the WebSocket is closed (3000: enough)'])
  end

  it 'by the client may come without a code, or not at all' do
    seen = []
    server = websockets { |ws| seen << [ws.receive, ws.close_code] }
    websocket(server).send_frame(:close, '').closed
    websocket(server).client.close
    websocket(server).client.reset
    wait_until { seen.size == 3 }
    expect(seen).to eq([[nil, 1005], [nil, 1006], [nil, 1006]])
    wait_until { server.server.connections.zero? }
    expect(server.log).to eq('')
  end

  it 'waits for the client to answer, for close_timeout', :virtual_time do
    server = websockets(server: @unix, close_timeout: 3) { nil }
    socket = websocket(server)
    expect([socket.receive, socket.client.rest]).to eq([[1000, ''], ''])
    expect([time, server.log]).to match([be_between(3, 5), /cut: it has not answered our closing/])
  end

  it 'waits for the end of a client that has done what it must not, and no longer', :virtual_time do
    server = websockets(server: @unix, close_timeout: 3, &:receive)
    socket = websocket(server).raw("\x83\x80")
    expect([socket.receive.first, socket.client.rest, time]).to eq([1002, '', 0.0]) # the server's side is closed at once
    expect(server.server.connections).to eq(1)
    sleep(5)
    expect(server.server.connections).to eq(0)
  end

  it 'destroys nothing on its way where the client has sent more than was read' do
    server = websockets(max_message: 10) { |ws| ws << 'x' * 200_000 and ws.receive }
    socket = websocket(server)
    socket.raw(WebSocketClient.frame(:binary, 'x' * 300_000))
    expect([socket.receive.size, socket.receive.first]).to eq([200_000, 1009])
  end

  describe 'when the server stops' do
    it 'is done with 1001, and waited for' do
      ended = []
      server = websockets { |ws| ws.each { nil } && ended << ws.close_code }
      sockets = Array.new(3) { websocket(server) }
      stopping = Polyphony.spin { server.server.stop }
      expect(sockets.map(&:closed)).to eq([[1001, '']] * 3)
      stopping.await
      expect([ended, server.log]).to eq([[1001] * 3, ''])
    end

    it 'lets a handler that does not receive notice it when it writes' do
      server = websockets { |ws| loop { (ws << 'tick') && sleep(0.001) } }
      socket = websocket(server)
      socket.receive
      stopping = Polyphony.spin { server.server.stop }
      received = socket.receive until received.is_a?(Array)
      socket.raw(WebSocketClient.close(1001)).client.close
      stopping.await
      expect([received, server.log]).to eq([[1001, ''], ''])
    end

    it 'is no time for new ones' do
      gate = Queue.new
      server = serve do |request|
        gate.pop
        request.websocket { nil }
      end
      client = server.connect
      client << "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: #{WebSocketClient::KEY}\r\n\r\n"
      wait_until { server.server.connections == 1 && !gate.num_waiting.zero? }
      stopping = Polyphony.spin { server.server.stop }
      wait_until { server.server.draining? }
      gate << true
      expect(client.response.status).to eq(503)
      stopping.await
    end

    it 'says 1001 even to those who are cut' do
      server = websockets { |_| sleep }
      sockets = Array.new(2) { websocket(server) }
      server.server.stop(grace: 0)
      expect(sockets.map { |socket| [socket.receive, socket.client.rest] }).to eq([[[1001, ''], '']] * 2)
    end
  end

  it 'stops the fibers that the handler has spun' do
    ended = Queue.new
    server = websockets do |ws|
      Polyphony.spin do
        sleep
      ensure
        ended << true
      end
      ws.receive
    end
    websocket(server).close
    expect(ended.pop).to be(true)
  end
end
