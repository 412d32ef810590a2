# frozen_string_literal: true

require_relative '../../support/http2_server'

# What the client gets.
RSpec.describe 'HTTP/2: an answer', :fibers do
  let(:response_error) { Polyphony::HTTP::ResponseError }

  # The answer that the block makes; the connection is good for another.
  def answer(method = 'GET', path = '/', **options, &handler)
    @server = serve do |request|
      request.path == '/again' ? request.respond('again') : handler.call(request)
    end
    client = h2(@server)
    exchange = client.request(method, path, **options)
    expect(client.sync.get('/again').body).to eq('again')
    exchange
  end

  # What the block raised in a handler that went on.
  def raised
    error = nil
    exchange = answer do |request|
      error = error_of { yield request }
      request.respond('in spite of it') unless request.responded?
    end
    [error, exchange]
  end

  describe 'all at once' do
    it 'has status, fields and body with its length' do
      got = answer { |request| request.respond('hellö', { 'x' => '1', 'set-cookie' => %w[a b] }, status: 201) }
      expect([got.status, got.body, got['content-length'], got['x']]).to eq([201, 'hellö'.b, '6', '1'])
      expect(got.fields.select { |name, _| name == 'set-cookie' }.map(&:last)).to eq(%w[a b])
      expect(Time.httpdate(got['date'])).to be_a(Time)
    end

    it 'is two frames, or one' do
      server = serve { |request| request.path == '/' ? request.respond('hello') : request.respond }
      client = h2(server, record: true)
      client.get
      client.get('/empty')
      frames = client.seen.select { |frame| frame.stream.positive? }
      expect(frames.map { |frame| [frame.type, frame.stream, frame.end_stream?] }.first(2)).to eq([[:HEADERS, 1, false], [:DATA, 1, true]])
      expect(frames.last.end_stream?).to be(true)
    end

    it 'may be nothing, an Array, or large' do
      expect(answer(&:respond).then { |got| [got.status, got.body.to_s] }).to eq([200, ''])
      expect(answer { |request| request.respond(%w[a b c]) }.body).to eq('abc')
      body = Random.bytes(3_000_000)
      expect(answer { |request| request.respond(body) }.body).to eq(body)
    end

    it 'has no body for HEAD, 204 and 304' do
      got = answer('HEAD') { |request| request.respond('left out') }
      expect([got.status, got['content-length'], got.body]).to eq([200, '8', nil])
      [204, 304].each do |status|
        got = answer { |request| request.respond('left out', status: status) }
        expect([got.status, got['content-length'], got.body]).to eq([status, nil, nil])
      end
    end

    it 'may have any name in capitals, and any number of fields' do
      got = answer { |request| request.respond('x', { 'X-Upper' => 'v', **(1..90).to_h { |i| ["x-#{i}", 'v' * 500] } }) }
      expect([got['x-upper'], got['x-90'], got.fields.size]).to match(['v', 'v' * 500, be >= 93])
    end

    it 'loses what belongs to connections of HTTP/1' do
      got = answer { |request| request.respond('x', { 'connection' => 'close', 'keep-alive' => '5', 'upgrade' => 'h2c', 'proxy-connection' => 'x' }) }
      expect(got.status).to eq(200)
      expect(got.fields.map(&:first) - %w[:status date content-length]).to eq([])
    end

    it 'can be given once' do
      error, got = raised do |request|
        request.respond('first')
        request.respond('second')
      end
      expect([error.class, got.body]).to eq([response_error, 'first'])
    end

    it 'is refused if it cannot be sent, and nothing of it is' do
      [{ 'x' => "a\r\nb: c" }, { 'x' => "a\nb" }, { 'x' => "a\rb" }, { 'x' => "a\0b" }, { "x\r\ny" => 'a' }, { 'x y' => 'a' }, { 'x:' => 'a' }, { '' => 'a' }, { ':status' => '200' }, { ':path' => '/' },
       { 'x' => ['a', "b\r\n"] }, { 'content-length' => '3' }, { 'content-length' => 'x' }, { 'transfer-encoding' => 'chunked' }].each do |headers|
        error, got = raised { |request| request.respond('body', headers) }
        expect([headers, error.class, got.body]).to eq([headers, response_error, 'in spite of it'])
      end
      [99, 100, 600, '200', nil].each do |status|
        error, got = raised { |request| request.respond('body', status: status) }
        expect([status, error.class, got.body]).to eq([status, response_error, 'in spite of it'])
      end
      [[1], 5, :a, ['a', nil]].each do |body|
        error, got = raised { |request| request.respond(body) }
        expect([body, error.class, got.body]).to eq([body, TypeError, 'in spite of it'])
      end
    end

    it 'is too late when the handler has returned' do
      kept = nil
      server = serve { |request| (kept = request).respond('now') }
      client = h2(server)
      client.get
      settle
      [-> { kept.respond }, -> { kept.send_headers }, -> { kept << 'x' }, -> { kept.finish }, -> { kept.redirect('/') }, -> { kept.send_early_hints({}) }].each do |call|
        expect { call.call }.to raise_error(response_error)
      end
      expect(client.get.body).to eq('now')
    end

    it 'is 500 for a handler that gives none' do
      expect(answer { |_| nil }.status).to eq(500)
      expect(@server.log).to include('returned without an answer')
    end

    it 'goes elsewhere, or is a file' do
      expect(answer { |request| request.redirect('/there') }.then { |got| [got.status, got['location']] }).to eq([302, '/there'])
      got = answer { |request| request.serve_file(__FILE__) }
      expect([got.status, got.body, got['etag'].nil?]).to eq([200, File.binread(__FILE__), false])
      got = answer('GET', '/', fields: [%w[range bytes=0-9]]) { |request| request.serve_file(__FILE__) }
      expect([got.status, got.body]).to eq([206, File.binread(__FILE__, 10)])
    end
  end

  describe 'in pieces' do
    it 'sends each at once' do
      gate = Polyphony::Channel.new
      server = serve do |request|
        request.send_headers({ 'x' => 'y' }, status: 202)
        gate.each { |piece| request << piece }
      end
      client = h2(server)
      stream = client.send_request
      expect(client.header_of(stream).then { |got| [got.status, got['x']] }).to eq([202, 'y'])
      text = +''
      %w[one two three].each do |piece|
        gate.send(piece)
        expect(client.body_of(stream, (text << piece).size)).to eq(text)
      end
      gate.close
      expect(client.response(stream)).to be_answered
    end

    it 'needs no beginning, and no end' do
      expect(answer { |request| request << 'a' << '' << 'b' }.then { |got| [got.status, got.body] }).to eq([200, 'ab'])
      expect(answer { |request| request.send_headers({}, status: 201) }.status).to eq(201)
      expect(answer(&:finish).body.to_s).to eq('')
    end

    it 'has trailers' do
      got = answer do |request|
        request << 'a'
        request.finish({ 'x-sum' => '1', 'x-more' => %w[2 3] })
      end
      expect([got.body, got.trailers]).to eq(['a', [%w[x-sum 1], %w[x-more 2], %w[x-more 3]]])
    end

    it 'has trailers without a body' do
      got = answer do |request|
        request.send_headers
        request.finish({ 'x-sum' => '1' })
      end
      expect([got.status, got.body.to_s, got.trailers]).to eq([200, '', [%w[x-sum 1]]])
    end

    it 'has the length that it says, or is reset' do
      got = answer { |request| request.tap { request.send_headers({ 'content-length' => '4' }) } << 'ab' << 'cd' }
      expect([got['content-length'], got.body]).to eq(%w[4 abcd])
      got = answer do |request|
        request.send_headers({ 'content-length' => '4' })
        request << 'abc'
      end
      expect([got.body, got.reset]).to match([eq('abc').or(be_nil), :INTERNAL_ERROR])
      got = answer do |request|
        request.send_headers({ 'content-length' => '4' })
        request << 'abcde'
      end
      expect([got.body.to_s, got.reset]).to eq(['', :INTERNAL_ERROR])
      expect(@server.log).to match(/GET \/: /)
    end

    it 'ends once' do
      error, got = raised do |request|
        request << 'a'
        request.finish
        request.finish
        request << 'b'
      end
      expect([error.class, got.body]).to eq([response_error, 'a'])
    end

    it 'has no body for HEAD, 204 and 304' do
      expect(answer('HEAD') { |request| request << 'a' }.then { |got| [got.status, got.body.to_s] }).to eq([200, ''])
      [204, 304].each do |status|
        got = answer { |request| request.tap { request.send_headers({}, status: status) } << 'a' }
        expect([got.status, got.body.to_s, got['content-length']]).to eq([status, '', nil])
      end
    end

    it 'may come from another fiber, before the handler returns' do
      expect(answer { |request| spin { request << 'from a' << ' child' }.await }.body).to eq('from a child')
    end

    it 'is not cut by a pause' do
      gate = Polyphony::Event.new
      server = serve do |request|
        request << 'a'
        gate.wait
        request << 'b'
      end
      client = h2(server)
      stream = client.send_request
      client.header_of(stream)
      expect(client.body_of(stream, 1)).to eq('a')
      20.times { client.sync }
      gate.set
      expect(client.response(stream).body).to eq('ab')
    end
  end

  describe 'before the answer' do
    it 'come early hints, in time' do
      gate = Polyphony::Event.new
      server = serve do |request|
        request.send_early_hints({ 'link' => ['</a.css>; rel=preload', '</b.js>; rel=preload'] })
        gate.wait
        request.respond('page')
      end
      client = h2(server)
      stream = client.send_request
      client.take until client.streams[stream].informational.any?
      expect(client.streams[stream].informational).to eq([[103, [['link', '</a.css>; rel=preload'], ['link', '</b.js>; rel=preload']]]])
      gate.set
      expect(client.response(stream).body).to eq('page')
    end

    it 'come several of them, and none when it is too late' do
      got = answer do |request|
        2.times { |i| request.send_early_hints({ 'link' => "<#{i}>" }) }
        request << 'page'
      end
      expect(got.informational.map(&:first)).to eq([103, 103])
      error, = raised do |request|
        request.respond
        request.send_early_hints({ 'link' => '<a>' })
      end
      expect(error).to be_a(response_error)
    end
  end

  describe 'of a handler that fails' do
    it 'before it is 500' do
      got = answer { |_| raise 'on purpose' }
      expect([got.status, got.body, @server.log]).to match([500, "500 Internal Server Error\n", /GET \/: .*on purpose/m])
      got = answer { |_| raise NoMemoryError, 'on purpose' }
      expect(got.status).to eq(500)
      got = answer { |_| throw :nowhere }
      expect(got.status).to eq(500)
    end

    it 'by BadRequest is 400' do
      expect(answer('GET', '/?%ff') { |request| request.respond(request.query.inspect) }.status).to eq(400)
    end

    it 'within it is reset, so that the client does not take it for whole' do
      got = answer do |request|
        request << 'half of'
        raise 'on purpose'
      end
      expect([got.body.to_s, got.reset]).to match([eq('half of').or(eq('')), :INTERNAL_ERROR])
      expect(@server.log).to include('on purpose')
    end

    it 'behind it is no failure for the client' do
      got = answer do |request|
        request.respond('all of it')
        raise 'on purpose'
      end
      expect([got.status, got.body, got.reset, @server.log]).to match([200, 'all of it', nil, /on purpose/])
    end

    it 'behind an answer in pieces that has ended, likewise' do
      got = answer do |request|
        request << 'all'
        request.finish
        raise 'on purpose'
      end
      expect([got.body, got.reset]).to eq(['all', nil])
      expect(@server.log).to include('on purpose')
    end

    it 'while the body is still sent' do
      server = serve { |request| request.path == '/' ? request.respond('hello') : raise('on purpose') }
      client = h2(server)
      stream = client.send_request('POST', '/bad', finish: false)
      client.data(stream, 'x' * 10_000)
      expect(client.header_of(stream).status).to eq(500)
      expect(client.sync.get.body).to eq('hello')
    end

    it 'by Polyphony::Stop ends the stream without an answer, and nothing else' do
      server = serve { |request| request.path == '/' ? request.respond('hello') : Polyphony.current.stop }
      client = h2(server)
      exchange = client.get('/stop')
      expect(exchange.reset || exchange.status).to satisfy { |got| got.is_a?(Symbol) || got == 503 }
      expect(client.get.body).to eq('hello')
    end

    it 'in a fiber that it has spun' do
      got = answer do |request|
        spin { raise 'on purpose' }
        snooze
        request.respond('x')
        suspend
      end
      expect(got.status || got.reset).to eq(500).or(eq(:INTERNAL_ERROR)).or(eq(200))
      expect(@server.log).to include('on purpose')
    end
  end

  it 'cannot be given over HTTP/2 by hijack' do
    error, got = raised(&:hijack)
    expect([error.class, error.message, got.body]).to match([response_error, /HTTP\/2/, 'in spite of it'])
  end

  it 'goes to the access log' do
    lines = StringIO.new
    access_log = Polyphony::HTTP::AccessLog.new(lines, format: :json)
    server = serve(access_log: access_log) { |request| request.respond('hello', status: 201) }
    client = h2(server)
    client.get('/there', fields: [%w[user-agent spec]])
    server.server.stop(grace: 1)
    server.fiber.await
    access_log.flush
    expect(lines.string).to include('"method":"GET"', '"target":"/there"', '"protocol":"HTTP/2"', '"status":201', '"bytes":5', '"agent":"spec"')
  end
end
