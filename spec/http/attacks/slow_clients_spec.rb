# frozen_string_literal: true

require_relative '../../support/http_crowd'
require_relative '../../support/virtual_time'

# Who holds a connection open by doing next to nothing. Time is virtual: it passes when everybody waits.
RSpec.describe 'A slow client', :fibers, :virtual_time do
  # The kernel moves bytes between its own two buffers in real time, while virtual time goes on: that counts as
  # taking something.
  let(:patiently) { 300 }

  # Sends a byte a second until the server has had enough.
  def drip(client, bytes)
    bytes.each_char do |byte|
      client << byte
      sleep 1
      break if block_given? ? yield : client.io.wait_readable(0)
    end
  rescue Errno::EPIPE, Errno::ECONNRESET
    nil
  end

  # A request of somebody else's each second, all of them answered.
  def others(server)
    answered = 0
    fiber = spin_loop(interval: 1) { answered += 1 if server.get.status == 200 }
    yield
    fiber.stop
    answered
  end

  def time_passes_until
    until yield
      raise 'what the example waits for does not happen' if time > 3600

      sleep 0.5
    end
  end

  it 'that sends its header byte by byte gets 408 at the time limit, however busy it looks' do
    server = serve(header_timeout: 10) { |request| request.respond('hello') }
    client = server.connect
    answered = others(server) { drip(client, "GET / HTTP/1.1\r\nHost: localhost\r\nX: #{'x' * 100}") }
    expect(time).to be_between(10, 13)
    expect(client.response.status).to eq(408)
    expect(client).to be_closed_by_server
    expect(answered).to be >= 10
    expect(server.log).to match(/^polyphony: 127\.0\.0\.1:\d+: the header did not come in time \(408\)$/)
  end

  it 'that sends a second header so, after a request in good order, gets the same' do
    server = serve(header_timeout: 10) { |request| request.respond('hello') }
    client = server.connect
    expect(client.get.body).to eq('hello')
    drip(client, "GET / HTTP/1.1\r\nX: #{'x' * 100}")
    expect([client.response.status, client.closed_by_server?]).to eq([408, true])
  end

  it 'that begins with nothing but empty lines is cut as well' do
    server = serve(header_timeout: 10, idle_timeout: 20) { |request| request.respond('hello') }
    client = server.connect
    drip(client, "\r\n" * 50)
    expect(time).to be < 25
    time_passes_until { server.server.connections.zero? }
  end

  it 'that stops in the middle of the body gets 408; the handler is told' do
    told = nil
    server = serve(body_timeout: 30) do |request|
      request.read
    rescue Polyphony::HTTP::ProtocolError => e
      told = e
      raise
    end
    client = server.connect
    client << "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf of it"
    expect(client.response.status).to eq(408)
    expect(time).to be_between(30, 33)
    expect(told.status).to eq(408)
    expect(client).to be_closed_by_server
    expect(server.log).to include('the body did not come in time (408)')
  end

  it 'that drips its body is read as long as it goes on, and holds up nobody' do
    server = serve(body_timeout: 5) { |request| request.respond(request.read) }
    client = server.connect
    client << "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n"
    answered = others(server) { drip(client, 'x' * 60) }
    expect(client.response.body).to eq('x' * 60)
    expect(answered).to be >= 58
  end

  it 'that never reads a large answer is cut when it has taken nothing for the time limit' do
    failed = nil
    server = serve(write_timeout: 30) do |request|
      next request.respond('hello') unless request.path == '/large'

      begin
        loop { request << ('x' * 65_536) }
      rescue Polyphony::HTTP::Disconnected => e
        failed = e
        raise
      end
    end
    client = server.connect(receive_buffer: 4096)
    client.send_request('GET', '/large')
    answered = others(server) { time_passes_until { failed } }
    expect(time).to be_between(30, patiently)
    expect(answered).to be >= 29
    time_passes_until { server.server.connections.zero? }
    client.close
  end

  it 'that never reads one large String is cut, too' do
    server = serve(write_timeout: 30) { |request| request.respond('x' * (32 << 20)) }
    client = server.connect(receive_buffer: 4096)
    client.send_request('GET')
    wait_until { server.server.connections == 1 }
    time_passes_until { server.server.connections.zero? }
    expect(time).to be_between(30, patiently)
    client.close
  end

  it 'that never reads the answers to requests in a row is cut, with a handler waiting in between' do
    server = serve(write_timeout: 30, handler_timeout: 60) do |request|
      sleep 1 if request.path == '/slow'
      request.respond('x' * (16 << 20))
    end
    client = server.connect(receive_buffer: 4096)
    client << "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4
    wait_until { server.server.connections == 1 }
    time_passes_until { server.server.connections.zero? }
    expect([server.fiber.alive?, server.get.status]).to eq([true, 200])
    expect(server.log).not_to include('no answer within') # it is the client that is slow
    client.close
  end

  it 'that never reads many small answers is cut, too; that is not taken for a slow handler' do
    server = serve(write_timeout: 30, handler_timeout: 10) do |request|
      snooze
      request.respond('x' * 60_000)
    end
    client = server.connect(receive_buffer: 4096)
    client << "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300
    wait_until { server.server.connections == 1 }
    time_passes_until { server.server.connections.zero? }
    expect(time).to be_between(30, patiently)
    expect(server.log).not_to include('no answer within')
    client.close
  end

  it 'that reads slowly but steadily gets all of a large answer, however long it takes' do
    size = 16 << 20
    server = serve(write_timeout: 30, idle_timeout: 3600) { |request| request.respond('x' * size) }
    client = server.connect(receive_buffer: 65_536)
    client.send_request('GET')
    client.read_until("\r\n\r\n")
    left = size
    while left.positive?
      sleep 10
      left -= client.read([left, 262_144].min).bytesize
    end
    expect(time).to be > 300
    expect(client.get.status).to eq(200)
    client.close
  end

  context 'over TLS' do
    let(:secure) { { bind: 'https://127.0.0.1:0', tls: tls_options } }

    it 'that sends its header byte by byte gets 408, too' do
      server = serve(**secure, header_timeout: 10) { |request| request.respond('hello') }
      client = server.connect
      drip(client, "GET / HTTP/1.1\r\nHost: localhost\r\nX: #{'x' * 100}") { server.log.include?('408') }
      expect(time).to be_between(10, 13)
      expect([client.response.status, client.closed_by_server?]).to eq([408, true])
    end

    it 'that stops in the middle of the body gets 408, too' do
      server = serve(**secure, body_timeout: 30) { |request| request.respond(request.read) }
      client = server.connect
      client << "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf of it"
      expect(client.response.status).to eq(408)
      expect(time).to be_between(30, 33)
    end

    it 'that never reads a large answer is cut, and holds up nobody' do
      server = serve(**secure, write_timeout: 30) { |request| request.respond('x' * (request.path == '/' ? 5 : 32 << 20)) }
      client = server.connect(receive_buffer: 4096)
      client.send_request('GET', '/large')
      wait_until { server.server.connections == 1 }
      answered = others(server) { time_passes_until { server.server.connections <= 1 && time > 30 } }
      expect([answered >= 29, time < patiently]).to eq([true, true])
      client.io.to_io.close
    end

    it 'that reads slowly but steadily gets all of it' do
      size = 12 << 20
      server = serve(**secure, write_timeout: 30, idle_timeout: 3600) { |request| request.respond('x' * size) }
      client = server.connect(receive_buffer: 65_536)
      client.send_request('GET')
      client.read_until("\r\n\r\n")
      left = size
      while left.positive?
        sleep 10
        left -= client.read([left, 262_144].min).bytesize
      end
      expect(client.get.status).to eq(200)
    end
  end

  it 'that keeps a connection without requests is cut, and told nothing' do
    server = serve(idle_timeout: 60) { |request| request.respond('hello') }
    client = server.connect
    client.get
    expect(client).to be_closed_by_server
    expect(time).to be_between(60, 63)
  end

  it 'that has timed out with its body has a time limit for taking the answer, too' do
    server = serve(body_timeout: 10, write_timeout: 30) do |request|
      request.read
    rescue Polyphony::HTTP::ProtocolError
      request.respond('x' * (32 << 20), status: 408)
    end
    client = server.connect(receive_buffer: 4096)
    client << "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
    wait_until { server.server.connections == 1 }
    time_passes_until { server.server.connections.zero? }
    expect(time).to be_between(40, patiently)
    client.close
  end
end
