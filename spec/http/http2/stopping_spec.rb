# frozen_string_literal: true

require_relative '../../support/http2_server'
require_relative '../../support/virtual_time'

# GOAWAY: the server is stopped, or a connection has had its requests.
HTTP2Server::TRANSPORTS.each do |transport, bind|
  RSpec.describe "HTTP/2: a server that is stopped, over #{transport}", :fibers do
    define_method(:served) { |**options, &handler| serve(bind: bind, **(transport == 'TLS' ? { tls: tls_options } : {}), **options, &handler) }

    it 'says GOAWAY, finishes the streams that it has, and closes the connection' do
      gate = Polyphony::Event.new
      server = served do |request|
        gate.wait if request.path == '/wait'
        request.respond(request.read)
      end
      client = h2(server)
      waiting = client.send_request('GET', '/wait')
      sending = client.send_request('POST', '/', finish: false)
      client.sync
      stopper = spin { server.server.stop }
      client.take until client.goaway
      expect(client.goaway.code).to eq(:NO_ERROR)
      gate.set
      client.upload(sending, 'x' * 200_000)
      expect([client.response(waiting).status, client.response(sending).body.size]).to eq([200, 200_000])
      expect(client.connection_error).to eq(:NO_ERROR)
      expect(client.goaway.last_stream).to be >= sending
      expect([stopper.await, server.fiber.await, server.log]).to eq([nil, nil, ''])
    end

    it 'closes connections without a request at once, with GOAWAY' do
      server = served { |request| request.respond('hello') }
      clients = Array.new(5) { h2(server) }
      clients.first.get
      stopper = spin { server.server.stop }
      expect(clients.map(&:connection_error)).to eq([:NO_ERROR] * 5)
      stopper.await
    end

    it 'does not serve what comes behind: it is refused, or nothing is said of it' do
      gate = Polyphony::Event.new
      server = served do |request|
        gate.wait if request.path == '/wait'
        request.respond(request.path)
      end
      client = h2(server)
      waiting = client.send_request('GET', '/wait')
      client.sync
      stopper = spin { server.server.stop }
      client.take until client.goaway && client.goaway.last_stream < 1000 # after a first GOAWAY that only warns, too
      late = client.send_request('GET', '/late')
      client.sync
      expect(client.streams[late].status).to be_nil
      expect(client.streams[late].reset).to be_nil.or eq(:REFUSED_STREAM)
      gate.set
      expect(client.response(waiting).body).to eq('/wait')
      expect(client.connection_error).to eq(:NO_ERROR)
      stopper.await
    end

    it 'lets large answers arrive whole' do
      server = served { |request| request.respond('x' * 5_000_000) }
      client = h2(server)
      stream = client.send_request
      client.header_of(stream)
      spin { server.server.stop }
      expect(client.response(stream).body.size).to eq(5_000_000)
      expect(client.connection_error).to eq(:NO_ERROR)
      server.fiber.await
    end

    it 'with too little time cuts what is left; handlers are ended' do
      ended = false
      server = served do |_request|
        suspend
      ensure
        ended = true
      end
      client = h2(server)
      client.send_request
      client.sync
      server.server.stop(grace: 0.05)
      expect([ended, server.log]).to match([true, /connections were cut when the server stopped/])
      client.connection_error rescue HTTP2Wire::Closed # rubocop:disable Style/RescueModifier
      expect(client.goaway&.code).to eq(:NO_ERROR)
    end

    it 'by the end of its fiber cuts at once; handlers are ended' do
      ended = false
      server = served do |_request|
        suspend
      ensure
        ended = true
      end
      client = h2(server)
      client.send_request
      client.sync
      server.fiber.stop
      expect(ended).to be(true)
      expect(client.read_to_end).to be_a(String) # it has ended
    end

    it 'by one of its handlers still sends that answer' do
      server = served do |request|
        request.respond('the last one')
        server.server.stop
      end
      client = h2(server)
      expect([client.get.body, client.connection_error]).to eq(['the last one', :NO_ERROR])
      server.fiber.await
    end
  end
end

RSpec.describe 'HTTP/2: a connection that has had its requests', :fibers do
  it 'is ended by GOAWAY after the last of them, and none is lost' do
    server = serve(requests: 10) { |request| request.respond(request.path) }
    client = h2(server)
    streams = Array.new(10) { |i| client.send_request('GET', "/#{i}") }
    expect(streams.map { |stream| client.response(stream).body }).to eq(Array.new(10) { |i| "/#{i}" })
    expect(client.connection_error).to eq(:NO_ERROR)
    expect(client.goaway.last_stream).to be >= streams.last
    expect(h2(server).get('/again').body).to eq('/again')
  end

  it 'tells which of those that came behind it has not looked at' do
    server = serve(requests: 5) { |request| request.respond(request.path) }
    client = h2(server)
    streams = Array.new(20) { |i| client.send_request('GET', "/#{i}") }
    client.connection_error
    streams.each do |stream|
      exchange = client.streams[stream]
      expect(exchange.answered? || exchange.reset == :REFUSED_STREAM || stream > client.goaway.last_stream).to be(true)
    end
    expect(client.streams.values.count(&:answered?)).to be >= 5
  end
end
