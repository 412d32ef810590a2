# frozen_string_literal: true

require_relative '../../support/http_crowd'

RSpec.describe 'Connections in great number', timeout: 90 do
  let(:count) { 5000 }

  before { allow_descriptors(count + 500) }

  def descriptors(server) = Dir.children("/proc/#{server.pid}/fd").size

  {
    'half a header' => "GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
    'nothing' => ''
  }.each do |title, bytes|
    it "5,000 that have sent #{title} cost little, and nobody else waits; then they are gone without a trace" do
      server = serve_in_child(<<~RUBY, options: 'header_timeout: 600, idle_timeout: 600', open_files: count + 500, prelude: 'SERVERS = []')
        next request.respond('hello') unless request.path == '/connections'
        server ||= ObjectSpace.each_object(Polyphony::HTTP::Server).first
        request.respond(server.connections.to_s)
      RUBY
      10.times { expect(fetch(server).body).to eq('hello') }
      before = [server.memory, descriptors(server)]
      clients = Array.new(count) { server.connect << bytes }
      eventually { fetch(server, '/connections').body.to_i > count }
      each = (server.memory - before[0]) / count.to_f
      figure("#{count} connections: #{each.round(1)} KB each")
      20.times { expect(fetch(server).body).to eq('hello') }
      clients.each(&:close)
      eventually { fetch(server, '/connections').body.to_i < 10 }
      eventually { descriptors(server) <= before[1] + 5 }
      expect(each).to be < 40
    end
  end

  it 'that close at once, by FIN or by RST, leave nothing behind' do
    server = serve_in_child("request.respond('hello')")
    fetch(server)
    before = descriptors(server)
    figures = Array.new(3) do
      1000.times do |i|
        client = server.connect
        client << "GET / HTTP/1.1\r\n" if (i % 3).zero?
        i.odd? ? client.reset : client.close
      end
      expect(fetch(server).body).to eq('hello')
      server.memory
    end
    eventually { descriptors(server) <= before + 2 }
    figure("memory after each 1,000: #{figures.join(', ')} KB")
    expect(figures.last - figures.first).to be < 10_000
    expect(server.log.lines.drop(1).grep_v(/the header is incomplete \(400\)$/)).to eq([])
  end
end

RSpec.describe 'The limit of connections', :fibers do
  it 'leaves further ones in the queue, until there is room; the log says so once' do
    server = serve(connections: 3) { |request| request.respond('hello') }
    inside = Array.new(3) { server.connect.tap { |client| expect(client.get.status).to eq(200) } }
    outside = Array.new(4) { server.connect.tap { |client| client.send_request('GET') } }
    settle
    expect(server.server.connections).to eq(3)
    expect(outside.map { |client| client.io.wait_readable(0) }).to eq([nil] * 4)
    (inside + outside).each do |client|
      expect(client.response.status).to eq(200) if outside.include?(client)
      client.close
    end
    wait_until { server.server.connections.zero? }
    expect(server.lines.grep(/limit/)).to eq(['polyphony: 3 connections are open, which is the limit: new ones wait'])
  end

  it 'is kept when many come at once' do
    gate = Polyphony::Event.new
    server = serve(connections: 5) do |request|
      gate.wait
      request.respond('hello')
    end
    clients = Array.new(50) { server.connect.tap { |client| client.send_request('GET', headers: { 'Connection' => 'close' }) } }
    settle
    expect(server.server.connections).to eq(5)
    gate.set
    expect(clients.map { |client| client.response.status }).to all(eq(200))
  end

  it 'counts TLS handshakes that are not done' do
    server = serve(bind: 'https://127.0.0.1:0', tls: tls_options, connections: 2) { |request| request.respond('hello') }
    stalled = Array.new(2) { TCPSocket.new('127.0.0.1', server.port) }
    wait_until { server.server.connections == 2 }
    third = spin { server.get.body }
    settle
    expect(third.state).to eq(:waiting)
    stalled.first.close
    expect(third.await).to eq('hello')
    stalled.last.close
  end

  it 'does not keep a server that stops from serving those who wait in the queue' do
    gate = Polyphony::Event.new
    server = serve(connections: 1) { |request| gate.wait && request.respond('hello') }
    clients = Array.new(6) { server.connect.tap { |client| client.send_request('GET') } }
    settle
    expect(server.server.connections).to eq(1)
    spin { server.server.stop }
    snooze
    gate.set
    expect(clients.map { |client| client.response.status }).to eq([200] * 6)
    server.fiber.await
    expect { server.connect }.to raise_error(Errno::ECONNREFUSED)
  end

  it 'does not stop a server from stopping' do
    server = serve(connections: 1) { |request| request.respond('hello') }
    clients = Array.new(3) { server.connect }
    settle
    server.server.stop(grace: 0)
    server.fiber.await
    expect(clients).to all(be_closed_by_server)
  end
end
