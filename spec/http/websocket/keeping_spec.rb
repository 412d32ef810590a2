# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/virtual_time'
require_relative '../../support/websocket_client'
require 'tmpdir'

RSpec.describe 'A WebSocket whose client is silent', :fibers, :virtual_time do
  around do |example|
    Dir.mktmpdir do |dir|
      @unix = { bind: "unix://#{dir}/socket" }
      example.run
    end
  end

  it 'is pinged, and stays as long as it answers' do
    server = echo(server: @unix, ping: 10)
    socket = websocket(server)
    pinged = Array.new(5) do
      expect(socket.next_frame.opcode).to eq(:ping)
      socket.send_frame(:pong)
      time
    end
    expect(pinged.each_cons(2).map { |a, b| b - a }).to all(be_between(10, 12))
    expect([(socket << 'there').receive, socket.close, server.log]).to eq(['there', [1000, ''], ''])
  end

  it 'is cut when it does not answer; the handler sees the end' do
    ended = nil
    server = websockets(server: @unix, ping: 10) { |ws| ws.each { nil } && ended = [ws.close_code, ws.close_reason, time] }
    socket = websocket(server)
    expect(socket.next_frame.opcode).to eq(:ping)
    expect(socket.client.rest).to eq('')
    wait_until { ended }
    expect(ended).to match([1006, 'it has not answered a ping for 10 s', be_between(20, 24)])
    expect(server.log).to match(%r{websocket: unix /: cut: it has not answered a ping for 10 s})
  end

  it 'takes any frame for an answer' do
    server = echo(server: @unix, ping: 10)
    socket = websocket(server)
    4.times do
      expect(socket.next_frame.opcode).to eq(:ping)
      socket << 'busy'
      expect(socket.receive).to eq('busy')
    end
    expect(server.log).to eq('')
  end

  it 'is left alone while it talks, and without `ping`' do
    server = echo(server: @unix, ping: nil)
    socket = websocket(server)
    sleep 1000
    expect((socket << 'there').receive).to eq('there')
    server = websockets(ping: 10) { |ws| ws.each { |message| ws << message } }
    socket = websocket(server)
    10.times { sleep(5) && expect((socket << 'x').next_frame.opcode).to(eq(:text)) }
  end

  it 'is not blamed while nobody receives: its answer may be there' do
    got = nil
    server = websockets(server: @unix, ping: 10) do |ws|
      sleep 100
      got = ws.receive
    end
    socket = websocket(server) << 'early'
    sleep 102
    expect([got, server.log]).to eq(['early', ''])
    socket.client.close
  end

  it 'has no time limit of HTTP' do
    server = echo(server: { **@unix, idle_timeout: 1, handler_timeout: 1, header_timeout: 1, body_timeout: 1 }, ping: nil)
    socket = websocket(server)
    sleep 100
    expect((socket << 'there').receive).to eq('there')
  end
end
