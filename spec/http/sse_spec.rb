# frozen_string_literal: true

require 'tmpdir'
require_relative '../support/http2_server'
require_relative '../support/http_certificates'
require_relative '../support/http_server'
require_relative '../support/virtual_time'

RSpec.describe 'Server-sent events', :fibers do
  # @return [HttpServer::Running]
  def events(server: {}, **options, &block)
    serve(**server) { |request| request.sse(**options, &block) }
  end

  # @return [String] the text of all events, but for the comment that opens the stream
  def text(...) = events(...).get.body.delete_prefix(":\n\n").force_encoding('UTF-8')

  # @return [HttpServer::Client] that has read the header
  def follow(server, headers = {})
    client = server.connect
    client.send_request('GET', headers: headers)
    client.read_until("\r\n\r\n")
    client
  end

  # @return [String] the next chunk
  def chunk(client) = client.read(client.read_until("\r\n").hex).force_encoding('UTF-8').tap { client.read(2) }

  it 'come with header fields that keep everybody from holding them back, and the ones of the program' do
    response = events(headers: { 'x' => 'y' }) { nil }.get
    expect(response.fields.to_h).to include('content-type' => 'text/event-stream', 'cache-control' => 'no-cache, no-transform', 'x-accel-buffering' => 'no', 'x' => 'y')
    expect([response.status, response.body, response.keep_alive?]).to eq([200, ":\n\n", true])
  end

  { 'data' => [->(s) { s.send('hello') }, "data: hello\n\n"],
    'data, by <<' => [->(s) { s << 'one' << 'two' }, "data: one\n\ndata: two\n\n"],
    'lines, of all three kinds' => [->(s) { s << "a\nb\r\nc\rd" }, "data: a\ndata: b\ndata: c\ndata: d\n\n"],
    'lines that are empty' => [->(s) { s << "\na\n\n" }, "data: \ndata: a\ndata: \ndata: \n\n"],
    'nothing' => [->(s) { s << '' }, "data: \n\n"],
    'what looks like a field' => [->(s) { s << "id: 5\nevent: x" }, "data: id: 5\ndata: event: x\n\n"],
    'type and id' => [->(s) { s.send('x', event: 'price', id: 5) }, "event: price\nid: 5\ndata: x\n\n"],
    'an id alone' => [->(s) { s.send(nil, id: 'a-1') }, "id: a-1\n\n"],
    'comments' => [->(s) { s.comment.comment("a\nb") }, ": \n\n: a\n: b\n\n"],
    'retry' => [->(s) { s.retry(2500) }, "retry: 2500\n\n"],
    'other encodings' => [->(s) { s << 'grün'.encode('ISO-8859-1') << 'grün'.b }, "data: grün\n\ndata: grün\n\n"] }.each do |title, (block, expected)|
    it "send #{title}" do
      expect(text(&block)).to eq(expected)
    end
  end

  it 'begin with retry, if that is given' do
    expect(text(retry: 500) { |s| s << 'x' }).to eq("retry: 500\n\ndata: x\n\n")
  end

  it 'are refused when they would break the stream, which goes on' do
    errors = []
    got = text do |s|
      [-> { s.send('x', id: "a\nb") }, -> { s.send('x', id: "a\0") }, -> { s.send('x', event: "a\r") }, -> { s << "\xff" }, -> { s.send(5) },
       -> { s.retry(-1) }, -> { s.retry('5') }].each { |try| errors << error_of(&try) }
      s << 'fine'
    end
    expect([errors.map(&:class), got]).to eq([[ArgumentError] * 4 + [TypeError] + [ArgumentError] * 2, "data: fine\n\n"])
  end

  it 'want a block, and options that there are' do
    errors = []
    server = serve do |request|
      errors << error_of { request.sse } << error_of { request.sse(pong: 1) { nil } } << error_of { request.sse(keep_alive: -1) { nil } } << error_of { request.sse(retry: 'x') { nil } }
      request.respond
    end
    expect([server.get.status, errors]).to match([200, all(be_an(ArgumentError))])
  end

  it 'tell the id that the client has seen last' do
    seen = []
    server = events { |s| seen << s.last_event_id }
    server.get(headers: { 'Last-Event-ID' => 'grün-5' })
    server.get
    expect(seen).to eq(['grün-5', nil])
  end

  it 'go out at once, from any fiber' do
    gate = Queue.new
    server = events do |s|
      writer = Polyphony.spin { s << 'from another' }
      writer.await
      gate.pop
      s << 'last'
    end
    client = follow(server)
    expect([chunk(client), chunk(client)]).to eq([":\n\n", "data: from another\n\n"])
    gate << true
    expect(chunk(client)).to eq("data: last\n\n")
    expect(client.rest_of_chunks).to eq('')
    expect(chunk(follow(server))).to eq(":\n\n")
  end

  it 'of many fibers do not mix' do
    server = events { |s| Array.new(10) { |i| Polyphony.spin { 10.times { s << i.to_s * 5000 } } }.each(&:await) }
    got = server.get.body.split("\n\n").drop(1)
    expect(got.tally).to eq(Array.new(10) { |i| ["data: #{i.to_s * 5000}", 10] }.to_h)
  end

  it 'give the value of the block; HEAD has no events' do
    values = []
    server = serve { |request| values << request.sse { :value } }
    client = server.connect
    expect([client.get.body, client.request('HEAD').body, values]).to eq([":\n\n", nil, [:value, nil]])
  end

  it 'end with the error of the block, for which the client is cut off' do
    server = events { |s| (s << 'x') && raise('oops') }
    client = follow(server)
    2.times { chunk(client) }
    expect(client.rest).to eq('')
    expect(server.log).to include('oops')
  end

  it 'cannot be sent after the block' do
    kept = nil
    events { |s| kept = s }.get
    expect { kept << 'late' }.to raise_error(Polyphony::HTTP::ResponseError)
  end

  describe 'whose client' do
    # TCP, a UNIX socket, and TLS have each their own way to tell.
    it 'goes away end the block, though it only waits' do
      Dir.mktmpdir do |dir|
        pair = HttpCertificates.certificate('localhost')
        [{ bind: 'http://127.0.0.1:0' }, { bind: "unix://#{dir}/socket" }, { bind: 'https://127.0.0.1:0', tls: pair.options }].each do |options|
          ended = []
          server = events(server: options) do |_|
            sleep
          ensure
            ended << true
          end
          client = follow(server)
          chunk(client)
          client.close
          wait_until { ended == [true] && server.server.connections.zero? }
          expect(server.log).to eq('')
        end
      end
    end

    it 'has sent more before it went is found out, too' do
      ended = false
      server = events do |_|
        sleep
      ensure
        ended = true
      end
      client = follow(server)
      client << "GET /pipelined HTTP/1.1\r\n"
      client.close
      wait_until { ended }
    end

    it 'is still there gets comments, so that nobody takes the connection for dead', :virtual_time do
      Dir.mktmpdir do |dir|
        server = events(server: { bind: "unix://#{dir}/socket" }, keep_alive: 10) { |s| sleep(95) && (s << 'at last') }
        got = server.get.body
        expect(got).to match(/\A:\n\n(?:: \n\n){8,9}data: at last\n\n\z/)
        server = events(server: { bind: "unix://#{dir}/other" }, keep_alive: nil) { sleep(95) }
        expect(server.get.body).to eq(":\n\n")
      end
    end
  end

  it 'end when the server stops, as whole answers; the client comes again' do
    server = events { |s| (s << 'x') && sleep }
    clients = Array.new(2) { follow(server) }
    clients.each { |client| 2.times { chunk(client) } }
    stopping = Polyphony.spin { server.server.stop }
    expect(clients.map(&:rest_of_chunks)).to eq(['', ''])
    clients.each(&:close)
    stopping.await
    expect(server.log).to eq('')
  end

  describe 'over HTTP/2' do
    it 'are the same, many on one connection' do
      topic = Polyphony::Topic.new
      server = events(retry: 100) { |s| topic.subscribe { |news| s.send(news, id: 1) } }
      client = h2(server)
      streams = Array.new(5) { client.new_stream.tap { |stream| client.headers(stream, [[':method', 'GET'], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/']], end_stream: true) } }
      streams.each { |stream| expect([client.header_of(stream).status, client.body_of(stream, 12)]).to eq([200, "retry: 100\n\n"]) }
      wait_until { topic.subscribers == 5 }
      topic << 'news'
      streams.each { |stream| expect(client.body_of(stream, 30)).to eq("retry: 100\n\nid: 1\ndata: news\n\n") }
      client.rst_stream(streams.first)
      wait_until { topic.subscribers == 4 }
      client.io.close
      wait_until { topic.subscribers.zero? }
      expect(server.log).to eq('')
    end
  end

  it 'are read by curl' do
    server = serve_in_child("request.sse { |s| 3.times { |i| s.send(i.to_s, id: i) } }")
    expect(curl('--no-buffer', server.url).stdout).to eq(":\n\n#{(0..2).map { |i| "id: #{i}\ndata: #{i}\n\n" }.join}")
  end
end
