# frozen_string_literal: true

require_relative '../../support/http2_server'
require_relative '../../support/virtual_time'

# Who holds a connection or a stream by doing next to nothing. Time is virtual: it passes when everybody waits.
RSpec.describe 'HTTP/2: time limits', :fibers, :virtual_time do
  let(:patiently) { 300 }

  def client_of(server, **options) = h2(server, patience: nil, **options)

  def time_passes_until
    until yield
      raise 'what the example waits for does not happen' if time > 3600

      sleep 0.5
    end
  end

  it 'end a connection on which nothing is asked: GOAWAY' do
    server = serve(idle_timeout: 20) { |request| request.respond('hello') }
    client = client_of(server)
    client.get
    expect(client.connection_error).to eq(:NO_ERROR)
    expect(time).to be_between(20, 24)
    expect(server.log).to eq('')
  end

  it 'end one that says nothing, or no more than the preface' do
    server = serve(idle_timeout: 20, header_timeout: 10) { |request| request.respond('hello') }
    ['', HTTP2Wire::PREFACE[0, 5], HTTP2Wire::PREFACE, "#{HTTP2Wire::PREFACE}\0\0".b].each do |bytes|
      began = time
      client = client_of(server, start: false) << bytes
      client.read_to_end
      expect(time - began).to be_between(9, 25)
    end
  end

  it 'end a connection whose client leaves streams open that were answered' do
    server = serve(idle_timeout: 20) { |request| request.respond('hello') }
    client = client_of(server)
    stream = client.send_request('POST', '/', finish: false)
    expect(client.response(stream).body).to eq('hello')
    expect(client.connection_error).to eq(:NO_ERROR)
    expect(time).to be_between(20, 24)
  end

  it 'do not count pings, settings and window updates for requests' do
    server = serve(idle_timeout: 20) { |request| request.respond('hello') }
    client = client_of(server)
    client.get
    pinger = spin do
      loop do
        sleep 1
        client.ping
        client.window_update(0, 1)
      end
    end
    expect(client.connection_error).to eq(:NO_ERROR)
    expect(time).to be_between(20, 30)
    pinger.stop
  end

  it 'end a connection whose header does not come to its end' do
    server = serve(header_timeout: 10, idle_timeout: 3600) { |request| request.respond('hello') }
    client = client_of(server)
    client.headers(1, client.head, end_headers: false)
    dripper = spin do
      loop do
        sleep 1
        client.continuation(1, [%w[a b]], end_headers: false)
      end
    end
    client.read_to_end
    expect(time).to be_between(10, 20)
    dripper.stop
    expect(server.log).to match(/127\.0\.0\.1:\d+/)
  end

  it 'end a stream whose body does not come: 408, and others go on' do
    server = serve(body_timeout: 30, idle_timeout: 3600) { |request| request.respond(request.read) }
    client = client_of(server)
    stream = client.send_request('POST', '/', finish: false)
    client.data(stream, 'half of it')
    others = 0
    asker = spin_loop(interval: 1) { others += 1 if h2(server).get.status == 200 }
    client.take until client.streams[stream].over? || client.streams[stream].status
    asker.stop
    expect([client.streams[stream].status, time]).to match([408, be_between(30, 33)])
    expect(others).to be >= 29
    expect(client.get.status).to eq(200)
    expect(server.log).to match(/the body did not come in time \(408\)/)
  end

  it 'read a body that drips as long as it goes on' do
    server = serve(body_timeout: 5, idle_timeout: 3600) { |request| request.respond(request.read) }
    client = client_of(server)
    stream = client.send_request('POST', '/', finish: false)
    60.times do
      sleep 1
      client.data(stream, 'x')
    end
    client.data(stream, '', end_stream: true)
    expect(client.response(stream).body).to eq('x' * 60)
  end

  it 'end a handler that does not answer: 503; its ensure blocks run, and others go on' do
    ended = nil
    server = serve(handler_timeout: 10, idle_timeout: 3600) do |request|
      next request.respond('hello') if request.path == '/'

      begin
        sleep
      ensure
        ended = time
      end
    end
    client = client_of(server)
    slow = client.send_request('GET', '/slow')
    5.times do
      sleep 1
      expect(client.get.body).to eq('hello')
    end
    expect(client.response(slow).status).to eq(503)
    expect(ended).to be_between(10, 13)
    expect(client.get.body).to eq('hello')
    expect(server.log).to match(/no answer within 10 s/)
  end

  it 'let an answer in pieces take any time between them' do
    server = serve(handler_timeout: 10, write_timeout: 10, idle_timeout: 10) do |request|
      5.times { (request << 'x') && sleep(60) }
    end
    client = client_of(server)
    expect(client.get.body).to eq('x' * 5)
    expect(time).to be >= 300
  end

  it 'cut a client that never opens its window: its stream is reset, or its connection ends' do
    failed = nil
    server = serve(write_timeout: 30, idle_timeout: 3600) do |request|
      next request.respond('hello') if request.path == '/'

      begin
        loop { request << ('x' * 10_000) }
      rescue Polyphony::HTTP::Disconnected => e
        failed = e
        raise
      ensure
        failed ||= :ensure
      end
    end
    client = client_of(server, window: :held)
    stream = client.send_request('GET', '/large')
    client.header_of(stream)
    time_passes_until { failed }
    expect(time).to be_between(30, patiently)
    begin
      client.response(stream)
    rescue HTTP2Wire::Closed
      nil
    end
    expect(client.goaway || client.streams[stream].reset).not_to be_nil
    expect(server.log).to match(/has taken nothing for 30 s/)
    expect(h2(server).get.body).to eq('hello')
  end

  it 'cut a client that never opens its window for what was answered all at once' do
    server = serve(write_timeout: 30, idle_timeout: 3600) { |request| request.respond('x' * 1_000_000) }
    client = client_of(server, settings: { INITIAL_WINDOW_SIZE: 0 }, window: :held)
    streams = Array.new(20) { client.send_request }
    streams.each { |stream| client.header_of(stream) }
    time_passes_until { client.take_available || client.goaway || streams.all? { |stream| client.streams[stream].reset } || server.server.connections.zero? }
    expect(time).to be_between(30, patiently)
  rescue HTTP2Wire::Closed
    expect(time).to be_between(30, patiently)
  end

  it 'cut a client that reads nothing from its socket' do
    server = serve(write_timeout: 30, idle_timeout: 3600) { |request| request.respond('x' * (request.path == '/' ? 5 : 16 << 20)) }
    client = client_of(server, receive_buffer: 4096, settings: { INITIAL_WINDOW_SIZE: 0x7fffffff }, window: :held)
    client.grant(0x7fffffff - 65_535)
    client.send_request('GET', '/large')
    wait_until { server.server.connections == 1 }
    time_passes_until { server.server.connections.zero? }
    expect(time).to be_between(30, patiently)
    expect([h2(server).get.status, server.fiber.alive?]).to eq([200, true])
  end

  it 'leave alone who opens its window slowly but steadily' do
    server = serve(write_timeout: 30, idle_timeout: 3600) { |request| request.respond('x' * 100_000) }
    client = client_of(server, settings: { INITIAL_WINDOW_SIZE: 1000 }, window: :held)
    client.grant(1_000_000)
    stream = client.send_request
    client.header_of(stream)
    99.times do |i|
      sleep 10
      client.window_update(stream, 1000)
      client.body_of(stream, (i + 2) * 1000)
    end
    expect(client.response(stream).body.size).to eq(100_000)
    expect(time).to be >= 990
  end
end
