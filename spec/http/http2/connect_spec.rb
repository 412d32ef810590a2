# frozen_string_literal: true

require_relative '../../support/http2_server'

# RFC 8441: extended CONNECT, which changes one stream to another protocol.
HTTP2Server::TRANSPORTS.each do |transport, bind|
  RSpec.describe "HTTP/2: extended CONNECT, over #{transport}", :fibers do
    define_method(:served) { |**options, &handler| serve(bind: bind, **(transport == 'TLS' ? { tls: tls_options } : {}), **options, &handler) }

    def connect(client, protocol = 'echo', path: '/chat', fields: [])
      stream = client.new_stream
      client.headers(stream, [[':method', 'CONNECT'], [':protocol', protocol], [':scheme', 'http'], [':authority', 'localhost'], [':path', path], *fields], end_stream: false)
      stream
    end

    def shouting(**options)
      served(**options) do |request|
        next request.respond('hello') unless request.upgrade_requested

        io = request.upgrade(request.upgrade_requested, { 'x' => 'y' })
        while (line = io.readpartial(1000))
          io.write(line.upcase, '!')
        end
      rescue EOFError
        io.close
      end
    end

    it 'is offered by SETTINGS_ENABLE_CONNECT_PROTOCOL (3)' do
      expect(h2(shouting).server_settings[8]).to eq(1)
    end

    it 'is for the handler what an upgrade is: its protocol, its path' do
      seen = nil
      server = served do |request|
        seen = [request.upgrade_requested, request.path, request.authority, request['origin']]
        request.respond
      end
      client = h2(server)
      stream = connect(client, 'WebSocket', path: '/a?b', fields: [%w[origin x]])
      client.take until client.streams[stream].fields
      expect(seen).to eq(['websocket', '/a', 'localhost', 'x'])
      client.get
      expect(seen.first).to be_nil
    end

    it 'gives a stream that is read and written, whose answer is 200 without an end' do
      client = h2(shouting)
      stream = connect(client)
      got = client.header_of(stream)
      expect([got.status, got['x'], got['content-length'], got.over?]).to eq([200, 'y', nil, false])
      client.data(stream, 'early')
      expect(client.body_of(stream, 6)).to eq('EARLY!')
      client.data(stream, 'late')
      expect(client.body_of(stream, 11)).to eq('EARLY!LATE!')
      client.data(stream, '', end_stream: true)
      expect(client.response(stream)).to be_answered
      expect(client.get.body).to eq('hello')
    end

    it 'is one of many streams' do
      client = h2(shouting)
      streams = Array.new(20) { connect(client) }
      streams.each_with_index { |stream, i| client.data(stream, "line #{i}") }
      expect(client.get.body).to eq('hello')
      streams.each_with_index do |stream, i|
        client.header_of(stream)
        expect(client.body_of(stream, "line #{i}!".size)).to eq("LINE #{i}!")
        client.data(stream, '', end_stream: true)
      end
      streams.each { |stream| expect(client.response(stream)).to be_answered }
    end

    it 'carries much, with flow control both ways' do
      server = served do |request|
        io = request.upgrade('echo')
        loop { io.write(io.readpartial(65_536)) }
      rescue EOFError
        io.close
      end
      client = h2(server)
      stream = connect(client)
      body = Random.bytes(3_000_000)
      client.header_of(stream)
      client.upload(stream, body)
      expect(client.response(stream).body == body).to be(true)
    end

    it 'holds the handler while the client does not read' do
      written = 0
      server = served do |request|
        io = request.upgrade('echo')
        200.times { io.write('x' * 10_000) && written += 1 }
        io.close
      end
      client = h2(server, window: :held)
      stream = connect(client)
      client.header_of(stream)
      client.body_of(stream, 65_535)
      client.sync
      expect(written).to be < 60
      client.grant(3_000_000, stream)
      expect(client.response(stream).body.size).to eq(2_000_000)
    end

    it 'ends when the handler returns' do
      server = served { |request| request.upgrade('echo').write('bye') }
      client = h2(server)
      stream = connect(client)
      expect(client.response(stream).then { |got| [got.status, got.body] }).to eq([200, 'bye'])
    end

    it 'ends for the handler when the client resets it: its ensure blocks run' do
      ended = false
      server = served do |request|
        request.upgrade('echo').readpartial(10)
      ensure
        ended = true
      end
      client = h2(server)
      stream = connect(client)
      client.header_of(stream)
      client.rst_stream(stream)
      wait_until { ended }
      expect(client.sync.goaway).to be_nil
      expect(server.log).to eq('')
    end

    it 'of a handler that fails is reset, and logged' do
      gate = Polyphony::Event.new
      server = served { |request| request.upgrade('echo') && gate.wait && raise('on purpose') }
      client = h2(server)
      stream = connect(client)
      client.header_of(stream)
      gate.set
      expect(client.response(stream).then { |got| [got.status, got.reset.nil?] }).to eq([200, false])
      expect(server.log).to include('on purpose')
    end

    it 'may be refused by the handler, as any other request' do
      server = served { |request| request.respond('no', status: 403) }
      client = h2(server)
      stream = connect(client)
      client.take until client.streams[stream].body
      expect([client.streams[stream].status, client.streams[stream].body]).to eq([403, 'no'])
      expect(client.sync.goaway).to be_nil
    end

    it 'needs :scheme, :path and :authority (4)' do
      full = { ':method' => 'CONNECT', ':protocol' => 'echo', ':scheme' => 'http', ':authority' => 'localhost', ':path' => '/' }
      server = shouting
      %w[:scheme :path :authority].each do |name|
        client = h2(server)
        stream = client.new_stream
        client.headers(stream, full.except(name).to_a, end_stream: false)
        client.take until client.goaway || client.streams[stream].reset || client.streams[stream].status
        expect([name, client.goaway&.code || client.streams[stream].reset || client.streams[stream].status]).to match([name, eq(:PROTOCOL_ERROR).or(eq(400))])
      end
    end

    it 'is refused for who did not ask for it: upgrade is an error' do
      errors = []
      server = served do |request|
        errors << error_of { request.upgrade('echo') }.class
        request.respond('no')
      end
      expect(h2(server).get.body).to eq('no')
      expect(errors).to eq([Polyphony::HTTP::ResponseError])
    end

    it 'lets the server stop: the stream is finished, within its time' do
      server = shouting
      client = h2(server)
      stream = connect(client)
      client.header_of(stream)
      stopper = spin { server.server.stop(grace: 5) }
      client.take until client.goaway
      client.data(stream, 'still', end_stream: true)
      expect([client.response(stream).body, client.connection_error]).to eq(['STILL!', :NO_ERROR])
      stopper.await
    end
  end
end
