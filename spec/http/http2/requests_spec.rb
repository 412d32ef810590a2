# frozen_string_literal: true

require_relative '../../support/http2_server'

# What the handler is given.
RSpec.describe 'HTTP/2: a request', :fibers do
  # What the block makes of a request, as text.
  def seen(method = 'GET', path = '/', **options)
    value = nil
    server = serve do |request|
      value = yield request
      request.respond unless request.responded?
    end
    @exchange = h2(server).request(method, path, **options)
    value
  end

  it 'has what one of HTTP/1 has' do
    got = seen('POST', '/a%20b?c=d&e', fields: [%w[x-one 1], %w[accept text/html], %w[x-one 2]], body: 'x') do |request|
      [request.method, request.path, request.query_string, request.target, request.query, request['x-one'], request['accept'], request['none'], request.authority, request.scheme,
       request.protocol, request.version, request.remote_ip, request.tls, request.head?]
    end
    expect(got).to eq(['POST', '/a%20b', 'c=d&e', '/a%20b?c=d&e', { 'c' => 'd', 'e' => '' }, '1, 2', 'text/html', nil, 'localhost', 'http', 'HTTP/2', 'HTTP/2', '127.0.0.1', nil, false])
  end

  it 'has its fields in a Hash, without those that begin with a colon' do
    headers = seen('GET', '/', fields: [%w[x-a 1], %w[user-agent spec], %w[x-a 2]], &:headers)
    expect(headers.keys.grep(/\A:/)).to eq([])
    expect(headers).to include('x-a' => '1, 2', 'user-agent' => 'spec')
    pairs = seen('GET', '/', fields: [%w[x-a 1]]) { |request| request.each_header.to_a }
    expect(pairs).to include(%w[x-a 1])
  end

  it 'has one cookie field, whatever the client has made of it (8.2.3)' do
    expect(seen('GET', '/', fields: [%w[cookie a=1], %w[cookie b=2], ['cookie', 'c=3; d=4']]) { |request| [request['cookie'], request.cookies] })
      .to eq(['a=1; b=2; c=3; d=4', { 'a' => '1', 'b' => '2', 'c' => '3', 'd' => '4' }])
  end

  it 'has its authority, also from host' do
    server = serve { |request| request.respond([request.authority, request['host']].inspect) }
    client = h2(server)
    base = [[':method', 'GET'], [':scheme', 'http'], [':path', '/']]
    client.headers(1, base + [%w[host example.com:80]])
    expect(client.response(1).body).to include('example.com:80')
    client.headers(3, base + [[':authority', 'example.com']])
    expect(client.response(3).body).to include('example.com')
  end

  it 'keeps its values as they were sent, in bytes' do
    expect(seen('GET', "/#{'p' * 5000}", fields: [['x-bytes', "\xe9\xff".b]]) { |request| [request.path.size, request['x-bytes'].b] }).to eq([5001, "\xe9\xff".b])
  end

  it 'is new in each stream, and what is kept of it stays' do
    kept = []
    server = serve { |request| (kept << request) && request.respond }
    client = h2(server)
    5.times { |i| client.get("/#{i}", fields: [['x-number', i.to_s]]) }
    GC.start
    expect(kept.map { |request| [request.path, request['x-number']] }).to eq(Array.new(5) { |i| ["/#{i}", i.to_s] })
  end

  it 'says what it is' do
    expect(seen('GET', '/there', &:inspect)).to include('GET', '/there')
  end

  describe 'its body' do
    it 'is there when it is asked for, whole, in pieces or in lines' do
      body = Random.bytes(300_000)
      expect(seen('POST', '/', body: body, &:read)).to eq(body)
      expect(seen('POST', '/', body: body) { |request| request.body.each.to_a.join }).to eq(body)
      expect(seen('POST', '/', body: "a\nb\nc") { |request| [request.body.gets, request.body.gets, request.body.gets, request.body.gets] }).to eq(["a\n", "b\n", 'c', nil])
      expect(seen('POST', '/', body: 'abcdefg') { |request| [request.body.read(3), request.body.read(3), request.body.read(3), request.body.read(3)] }).to eq(['abc', 'def', 'g', nil])
    end

    it 'has a length if the client has said it' do
      expect(seen('POST', '/', body: 'four') { |request| request.body.length }).to eq(4)
      expect(seen('POST', '/', body: 'four', length: false) { |request| [request.body.length, request.body.empty?, request.read] }).to eq([nil, false, 'four'])
    end

    it 'is empty where HEADERS end the stream' do
      expect(seen('GET') { |request| [request.body.empty?, request.read, request.body.read(1), request.trailers] }).to eq([true, '', nil, {}])
      expect(seen('POST', '/', body: '', length: false, &:read)).to eq('')
    end

    it 'is followed by trailers' do
      expect(seen('POST', '/', body: 'x' * 70_000, trailers: [%w[x-sum 1], %w[x-other 2]]) { |request| [request.read.size, request.trailers] })
        .to eq([70_000, { 'x-sum' => '1', 'x-other' => '2' }])
    end

    it 'is given to the handler while the client still sends' do
      got = Polyphony::Channel.new
      server = serve do |request|
        request.each_chunk { |chunk| got.send(chunk) }
        request.respond('all')
      end
      client = h2(server)
      stream = client.send_request('POST', '/', finish: false)
      %w[one two three].each do |piece|
        client.data(stream, piece)
        expect(got.receive).to eq(piece)
      end
      client.data(stream, '', end_stream: true)
      expect(client.response(stream).body).to eq('all')
    end

    it 'may be read while the answer is sent' do
      server = serve { |request| request.each_chunk { |chunk| request << chunk.upcase } }
      client = h2(server)
      stream = client.send_request('POST', '/', finish: false)
      %w[one two].each_with_index do |piece, i|
        client.data(stream, piece)
        client.header_of(stream)
        expect(client.body_of(stream, 3 * (i + 1))).to end_with(piece.upcase)
      end
      client.data(stream, '', end_stream: true)
      expect(client.response(stream)).to be_answered
    end

    it 'is asked for when the handler reads: 100 (Expect)' do
      gate = Polyphony::Event.new
      server = serve { |request| gate.wait && request.respond(request.read) }
      client = h2(server)
      stream = client.send_request('POST', '/', fields: [%w[expect 100-continue]], finish: false)
      client.sync
      expect(client.streams[stream].informational).to eq([])
      gate.set
      client.take until client.streams[stream].informational.any?
      client.data(stream, 'body', end_stream: true)
      expect([client.response(stream).informational, client.streams[stream].body]).to eq([[[100, []]], 'body'])
    end

    it 'of more than body_bytes is 413, for this stream only' do
      server = serve(body_bytes: 100_000) { |request| request.respond(request.read.size.to_s) }
      client = h2(server)
      stream = client.send_request('POST', '/', body: 'x' * 200_000)
      client.take until client.streams[stream].over?
      expect(client.streams[stream].status).to eq(413)
      expect(client.request('POST', '/', body: 'x' * 1000).body).to eq('1000')
      stream = client.send_request('POST', '/', body: 'x' * 200_000, length: false)
      expect(client.response(stream).status).to eq(413)
      expect(server.log).to match(/^polyphony: 127\.0\.0\.1:\d+: .*\(413\)$/)
      expect(client.get.status).to eq(200)
    end

    it 'that nobody reads costs nobody else a window: many of them, one after another' do
      server = serve { |request| request.respond('hello') }
      client = h2(server)
      40.times do
        stream = client.send_request('POST', '/', finish: false)
        size = [60_000, client.window(stream), client.window(0)].min
        client.take && (size = [60_000, client.window(stream), client.window(0)].min) while size < 10_000 && !client.streams[stream].over?
        client.data(stream, 'x' * [size, 16_384].min)
        expect(client.response(stream).body).to eq('hello')
        client.data(stream, 'more', end_stream: true) unless client.streams[stream].reset
        client.take_available
      end
      expect(client.request('POST', '/', body: 'x' * 1_000_000).status).to eq(200)
      expect(client.goaway).to be_nil
    end
  end

  describe 'many at a time' do
    it 'are served together, and answered in the order in which handlers are done' do
      gates = Hash.new { |all, path| all[path] = Polyphony::Event.new }
      running = 0
      server = serve do |request|
        running += 1
        gates[request.path].wait
        request.respond(request.path)
      end
      client = h2(server)
      most = [client.server_settings[3], 100].min
      streams = Array.new(most) { |i| client.send_request('GET', "/#{i}") }
      client.sync
      wait_until { running == most }
      order = (0...most).to_a.shuffle(random: Random.new(1))
      order.each do |i|
        gates["/#{i}"].set
        expect(client.response(streams[i]).body).to eq("/#{i}")
      end
      expect(client.get('/0').status).to eq(200)
    end

    it 'have each a fiber while they wait, whose parent is the connection\'s; all of them end with it' do
      fibers = []
      gate = Polyphony::Event.new
      server = serve do |request|
        fibers << Polyphony.current
        gate.wait
        request.respond
      end
      client = h2(server)
      streams = Array.new(5) { client.send_request }
      wait_until { fibers.size == 5 }
      gate.set
      streams.each { |stream| client.response(stream) }
      expect([fibers.uniq.size, fibers.map(&:parent).uniq.size]).to eq([5, 1])
      client.close
      wait_until { fibers.none?(&:alive?) }
    end

    it 'that fail are one failure each' do
      server = serve { |request| request.path == '/bad' ? raise("on purpose #{request['x-number']}") : request.respond('well') }
      client = h2(server)
      streams = Array.new(20) { |i| client.send_request('GET', i.even? ? '/bad' : '/', fields: [['x-number', i.to_s]]) }
      expect(streams.map { |stream| client.response(stream).status }).to eq([500, 200] * 10)
      expect(server.log.scan('on purpose').size).to be >= 10
    end
  end
end
