# frozen_string_literal: true

require_relative '../../support/http_server'

RSpec.describe Polyphony::HTTP::Request::Responding, :fibers do
  let(:response_error) { Polyphony::HTTP::ResponseError }

  # The answer that the block makes, and what is left of the connection: a second answer, or that it is open.
  def answered(method: 'GET', version: '1.1', fields: '', **options, &handler)
    server = serve(**options, &handler)
    client = server.connect << "#{method} / HTTP/#{version}\r\nHost: a\r\n#{fields}\r\n"
    response = client.response(head: method == 'HEAD')
    if response.keep_alive?
      client << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      client.response # nothing but a response came behind the first
    else
      expect(client.rest).to eq('')
    end
    @server = server
    response
  end

  # What the block raised in a handler that went on.
  def raised(**options)
    error = nil
    response = answered(**options) do |request|
      error = error_of { yield request }
      request.respond('in spite of it') unless request.responded?
    end
    [error, response]
  end

  describe '#respond' do
    it 'sends status, fields and body with its length' do
      response = answered { |request| request.respond('hellö', { 'x' => '1', 'set-cookie' => %w[a b] }, status: 201) }
      expect([response.status, response.body, response['content-length'], response['x']]).to eq([201, 'hellö'.b, '6', '1'])
      expect(response.fields.select { |name, _| name == 'set-cookie' }.map(&:last)).to eq(%w[a b])
      expect(Time.httpdate(response['date'])).to be_a(Time)
    end

    it 'sends nothing as a body of length 0' do
      response = answered(&:respond)
      expect([response.status, response.body, response['content-length']]).to eq([200, '', '0'])
    end

    it 'takes an Array as a body' do
      expect(answered { |request| request.respond(%w[a b c]) }.body).to eq('abc')
    end

    it 'sends long bodies unchanged' do
      body = Random.bytes(3_000_000)
      expect(answered { |request| request.respond(body) }.body).to eq(body)
    end

    it 'sends no body where there is none' do
      [204, 304].each do |status|
        response = answered { |request| request.respond('left out', status: status) }
        expect([response.status, response['content-length'], response['transfer-encoding'], response.body]).to eq([status, nil, nil, nil])
      end
      response = answered(method: 'HEAD') { |request| request.respond('left out') }
      expect([response.status, response['content-length'], response.body]).to eq([200, '8', nil])
    end

    it 'can be done once' do
      error, response = raised do |request|
        request.respond('first')
        request.respond('second')
      end
      expect([error.class, error.message, response.body]).to match([response_error, %r{\A#<Polyphony::HTTP::HTTP1::Request GET / .*> has been answered already\z}, 'first'])
    end

    it 'cannot be mixed with an answer in pieces' do
      error, response = raised do |request|
        request << 'a'
        request.respond('b')
      end
      expect([error.class, response.body]).to eq([response_error, 'a'])
      error, response = raised do |request|
        request.respond('b')
        request << 'a'
      end
      expect([error.class, response.body]).to eq([response_error, 'b'])
    end

    it 'refuses what cannot be sent, and nothing of it is' do
      [{ 'x' => "a\r\nb: c" }, { 'x' => "a\nb" }, { 'x' => "a\rb" }, { 'x' => "a\0b" }, { "x\r\ny" => 'a' }, { 'x y' => 'a' }, { 'x:' => 'a' }, { '' => 'a' }, { 'x' => ['a', "b\r\n"] },
       { 'content-length' => '3' }, { 'content-length' => 'x' }, { 'transfer-encoding' => 'chunked' }].each do |headers|
        error, response = raised { |request| request.respond('body', headers) }
        expect([headers, error.class, response.body]).to eq([headers, response_error, 'in spite of it'])
      end
      [99, 100, 600, '200', nil].each do |status|
        error, response = raised { |request| request.respond('body', status: status) }
        expect([status, error.class, response.body]).to eq([status, response_error, 'in spite of it'])
      end
      [[1], 5, :a, ['a', nil]].each do |body|
        error, response = raised { |request| request.respond(body) }
        expect([body, error.class, response.body]).to eq([body, TypeError, 'in spite of it'])
      end
    end

    it 'leaves 500 to the client if the handler goes on without another answer' do
      response = answered { |request| request.respond('body', { 'x' => "a\nb" }) }
      expect([response.status, response.body, response.keep_alive?]).to eq([500, "500 Internal Server Error\n", false])
      expect(@server.log).to match(/GET \/: .*ResponseError/m)
    end

    it 'is too late when the handler has returned' do
      kept = nil
      server = serve { |request| (kept = request).respond('now') }
      client = server.connect
      client.get
      settle
      [-> { kept.respond }, -> { kept.send_headers }, -> { kept << 'x' }, -> { kept.finish }, -> { kept.redirect('/') }, -> { kept.send_early_hints({}) }, -> { kept.upgrade('x') }, -> { kept.hijack }].each do |call|
        expect { call.call }.to raise_error(response_error, /over|answered/)
      end
      expect(client.get.body).to eq('now')
    end

    it 'may be done by another fiber, before the handler returns' do
      expect(answered { |request| spin { request.respond('from a child') }.await }.body).to eq('from a child')
    end
  end

  describe 'an answer in pieces' do
    it 'goes out in chunks, each at once' do
      gate = Polyphony::Channel.new
      server = serve do |request|
        request.send_headers({ 'x' => 'y' }, status: 202)
        gate.each { |piece| request << piece }
      end
      client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      %w[one two three].each do |piece|
        gate.send(piece)
        expect(client.read_until("\r\n#{piece}\r\n")).to end_with("#{piece.size}\r\n#{piece}\r\n")
      end
      gate.close
      expect(client.read_until("0\r\n\r\n")).to eq("0\r\n\r\n")
      expect(client.io.read_nonblock(1, exception: false)).to eq(:wait_readable)
    end

    it 'needs no beginning, and no end' do
      response = answered { |request| request << 'a' << '' << 'b' }
      expect([response.status, response.chunks, response.trailers]).to eq([200, %w[a b], []])
      expect(answered { |request| request.send_headers({}, status: 201) }.status).to eq(201)
      expect(answered(&:finish).body).to eq('')
    end

    it 'has the length that it says, or fails' do
      response = answered { |request| request.tap { request.send_headers({ 'content-length' => '4' }) } << 'ab' << 'cd' }
      expect([response['content-length'], response['transfer-encoding'], response.body]).to eq(['4', nil, 'abcd'])
      server = serve do |request|
        request.send_headers({ 'content-length' => '4' })
        request << (request.path == '/long' ? 'abcde' : 'abc')
      end
      client = server.connect << "GET /short HTTP/1.1\r\nHost: a\r\n\r\n"
      expect(client.rest).to end_with("\r\n\r\nabc") # and then the connection ends
      client = server.connect << "GET /long HTTP/1.1\r\nHost: a\r\n\r\n"
      expect(client.rest).not_to include('abc')
      expect(server.log).to include('1 bytes are missing', '1 bytes too many')
    end

    it 'has trailers' do
      response = answered do |request|
        request << 'a'
        request.finish({ 'x-sum' => '1', 'x-more' => %w[2 3] })
      end
      expect(response.trailers).to eq([%w[x-sum 1], %w[x-more 2], %w[x-more 3]])
    end

    it 'ends once' do
      error, response = raised do |request|
        request << 'a'
        request.finish
        request.finish
        request << 'b'
      end
      expect([error.class, response.body]).to eq([response_error, 'a'])
    end

    it 'has no body for HEAD, 204 and 304' do
      response = answered(method: 'HEAD') { |request| request << 'a' }
      expect([response['transfer-encoding'], response.body]).to eq([nil, nil])
      [204, 304].each do |status|
        response = answered { |request| request.tap { request.send_headers({}, status: status) } << 'a' }
        expect([response.status, response['transfer-encoding'], response['content-length']]).to eq([status, nil, nil])
      end
    end

    it 'ends with the connection in HTTP/1.0' do
      response = answered(version: '1.0', fields: "Connection: keep-alive\r\n") { |request| request << 'a' << 'b' }
      expect([response.body, response['transfer-encoding'], response['connection']]).to eq(['ab', nil, 'close'])
    end

    it 'stops when the client has gone' do
      error = nil
      server = serve do |request|
        loop { request << ('x' * 65_536) }
      rescue Polyphony::HTTP::Error => e
        error = e
        raise
      end
      client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      client.read(200_000)
      client.close
      wait_until { server.server.connections.zero? }
      expect([error.class, server.log]).to eq([Polyphony::HTTP::Disconnected, ''])
    end
  end

  describe '#redirect' do
    it 'sends the client elsewhere' do
      response = answered { |request| request.redirect('/there?a=b') }
      expect([response.status, response['location'], response['content-length']]).to eq([302, '/there?a=b', '0'])
      response = answered { |request| request.redirect('/', status: 308, headers: { 'x' => 'y' }) }
      expect([response.status, response['x']]).to eq([308, 'y'])
    end

    it 'does not let the location add fields' do
      error, = raised { |request| request.redirect("/\r\nset-cookie: a") }
      expect(error).to be_a(response_error)
    end
  end

  describe '#send_early_hints' do
    it 'comes before the answer' do
      server = serve do |request|
        request.send_early_hints({ 'link' => ['</a.css>; rel=preload', '</b.js>; rel=preload'] })
        request.respond('page')
      end
      client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      hints = client.response
      expect([hints.status, hints.fields]).to eq([103, [['link', '</a.css>; rel=preload'], ['link', '</b.js>; rel=preload']]])
      expect(client.response.body).to eq('page')
      client = server.connect << "GET / HTTP/1.0\r\n\r\n"
      expect(client.response.status).to eq(200)
    end

    it 'comes in time, and not too late' do
      gate = Polyphony::Event.new
      server = serve do |request|
        request.send_early_hints({ 'link' => '<a>' })
        gate.wait
        request.respond
      end
      client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      expect(client.response.status).to eq(103)
      gate.set
      expect(client.response.status).to eq(200)
      error, = raised do |request|
        request.respond
        request.send_early_hints({ 'link' => '<a>' })
      end
      expect(error).to be_a(response_error)
    end
  end

  it 'says whether there is an answer' do
    states = []
    server = serve do |request|
      states << request.responded?
      request.respond
      states << request.responded?
    end
    server.get
    expect(states).to eq([false, true])
  end
end
