# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/virtual_time'
require_relative '../../support/websocket_client'
require 'tmpdir'

RSpec.describe 'A WebSocket whose client takes little', :fibers do
  piece = 'x' * 10_000

  # As much as kernel and buffer take.
  def send_until_full(ws, piece)
    sent = 0
    fiber = Polyphony.spin do
      loop { (ws << piece) && sent += 1 }
    end
    last = -1
    until sent == last && fiber.state == :waiting
      last = sent
      20.times { Polyphony.snooze }
    end
    [sent, fiber]
  end

  it 'lets writers wait once `buffer` bytes wait; what was sent arrives, in order' do
    sent = nil
    server = websockets(buffer: 100_000) do |ws|
      number = 0
      sent, fiber = send_until_full(ws, piece)
      expect(ws.pending).to be_between(100_000, 100_000 + piece.bytesize + 100)
      fiber.stop
      100.times { ws << (number += 1).to_s }
    end
    socket = websocket(server, connect: { receive_buffer: 8192 })
    wait_until { sent }
    expect(Array.new(sent) { socket.receive }).to all(eq(piece))
    rest = Array.new(101) { socket.receive }
    rest.shift if rest.first == piece # that of the fiber which was stopped: it was as good as sent
    expect(rest.first(100)).to eq((1..100).map(&:to_s))
  end

  it 'closes it with 1013 instead, if that is wanted' do
    error = nil
    server = websockets(buffer: 100_000, overflow: :close) { |ws| error = error_of { loop { ws << piece } } }
    socket = websocket(server, connect: { receive_buffer: 8192 })
    got = socket.receive until got.is_a?(Array)
    expect([got, error]).to match([[1013, 'too slow'], be_a(Polyphony::HTTP::WebSocket::Closed)])
    socket.client.close
    expect(server.log).to match(%r{websocket: 127.0.0.1 /: \d+ bytes wait to be sent, which is more than may \(1013\)})
  end

  it 'reads no more from it until it takes what waits: pings and messages cannot be piled up' do
    server = echo(buffer: 50_000)
    socket = websocket(server, connect: { receive_buffer: 8192 })
    frames = WebSocketClient.frame(:binary, piece, mask: [0] * 4) + WebSocketClient.frame(:ping, 'x' * 125)
    sent = 0
    sender = Polyphony.spin { loop { socket.raw(frames) && sent += 1 } }
    last = -1
    until sent == last
      last = sent
      50.times { Polyphony.snooze }
      sleep 0.02
    end
    sender.stop
    expect(sent * frames.bytesize).to be < 20_000_000 # what kernels keep
    expect(Array.new(2 * (sent - 1)) { socket.next_frame.opcode }.tally).to eq({ binary: sent - 1, pong: sent - 1 })
  end

  it 'is cut when it takes nothing for write_timeout', :virtual_time do
    Dir.mktmpdir do |dir|
      ended = nil
      server = websockets(server: { bind: "unix://#{dir}/socket", write_timeout: 5 }, ping: nil) do |ws|
        loop { ws << piece }
      ensure
        ended = time
      end
      socket = websocket(server)
      sleep 20
      expect([ended, server.log]).to match([be_between(5, 8), /cut: it has taken nothing for 5 s/])
      socket.client.close
    end
  end

  it 'keeps what a stopped writer had sent whole' do
    server = websockets(buffer: 1000) do |ws|
      writer = Polyphony.spin { ws << 'y' * 3_000_000 }
      wait_until { writer.state == :waiting }
      writer.stop
      ws << 'next'
    end
    socket = websocket(server, connect: { receive_buffer: 8192 })
    expect([socket.receive.size, socket.receive, socket.receive]).to eq([3_000_000, 'next', [1000, '']])
  end

  it 'gets many small messages in few writes' do
    gate = Queue.new
    server = websockets do |ws|
      gate.pop
      1000.times { |i| ws << i.to_s }
    end
    socket = websocket(server)
    writes = 0
    count = TracePoint.new(:c_call) { |tp| writes += 1 if tp.method_id == :write_now }
    count.enable do
      gate << true
      expect(Array.new(1000) { socket.receive }).to eq((0..999).map(&:to_s))
    end
    expect(writes).to be_between(1, 4)
  end
end
