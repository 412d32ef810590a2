# frozen_string_literal: true

require_relative '../../support/http_server'

RSpec.describe Polyphony::HTTP::Body, :fibers do
  # What the block makes of the body of +text+, sent with a length and in chunks.
  def with_body(text, **options)
    results = []
    server = serve(**options) do |request|
      results << yield(request.body, request)
      request.respond
    end
    client = server.connect
    client.request('POST', '/', body: text)
    client << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n#{text.scan(/.{1,7}/m).map { |piece| format("%x\r\n%s\r\n", piece.bytesize, piece) }.join}0\r\nX-Sum: 5\r\n\r\n"
    client.response
    expect(results.size).to eq(2)
    results
  end

  def same_of(text, &block)
    first, second = with_body(text, &block)
    expect(second).to eq(first)
    first
  end

  it 'is read at once' do
    expect(same_of("all\xff of it".b) { |body| [body.read, body.read, body.read(1), body.eof?] }).to eq(["all\xff of it".b, '', nil, true])
    expect(same_of('x') { |_, request| request.read.encoding }).to eq(Encoding::BINARY)
  end

  it 'is read in parts' do
    parts = same_of('0123456789' * 5) { |body| [body.read(3), body.read(0), body.read(40), body.read(40), body.read(1), body.read] }
    expect(parts).to eq(['012', '', "#{'3456789' + ('0123456789' * 3)}012", '3456789', nil, ''])
  end

  it 'fills a buffer' do
    kept = same_of('0123456789') do |body|
      buffer = +'something'
      first = body.read(4, buffer)
      [first.equal?(buffer), buffer.dup, body.read(100, buffer), body.read(1, buffer), buffer]
    end
    expect(kept).to eq([true, '0123', '', nil, ''])
  end

  it 'refuses negative lengths' do
    expect(same_of('a') { |body| error_of { body.read(-1) }.class }).to eq(ArgumentError)
  end

  it 'gives lines, and goes on with them after parts' do
    lines = same_of("one\ntwo\n\nthree, long enough for several chunks\nend") { |body| [body.gets, body.read(1), body.gets, body.gets, body.read_partial(5), body.gets, body.gets, body.gets] }
    expect(lines).to eq(["one\n", 't', "wo\n", "\n", 'three', ", long enough for several chunks\n", 'end', nil])
  end

  it 'is gone through in pieces, and is Enumerable' do
    expect(same_of('abcdefghij') { |body| body.to_a.join }).to eq('abcdefghij')
    expect(same_of('abcdefghij') { |body| body.each.with_index.map { |piece, _| piece }.join }).to eq('abcdefghij')
    expect(same_of('abcdefghij') { |_, request| (+'').tap { |all| request.each_chunk { |chunk| all << chunk } } }).to eq('abcdefghij')
  end

  it 'knows its length, if the client has said it' do
    expect(with_body('abc') { |body| [body.length, body.empty?, body.eof?, body.inspect] }).to eq([[3, false, false, '#<Polyphony::HTTP::Body length=3>'], [nil, false, false, '#<Polyphony::HTTP::Body length=nil>']])
    results = []
    server = serve do |request|
      results << [request.body.length, request.body.empty?, request.body.eof?, request.read, request.body.read(1), request.body.gets, request.body.to_a]
      request.respond
    end
    server.get
    server.connect.request('POST', '/', body: '')
    expect(results).to eq([[0, true, true, '', nil, nil, []]] * 2)
  end

  it 'has trailers behind it' do
    expect(with_body('abc') { |body, request| [request.trailers, body.read, request.trailers] }).to eq([[{}, 'abc', {}], [{}, 'abc', { 'x-sum' => '5' }]])
  end

  it 'is handed on as it comes, and no faster than it is read' do
    pieces = Polyphony::Channel.new
    go = Polyphony::Event.new
    server = serve(body_bytes: nil) do |request|
      pieces.send(request.body.read_partial)
      go.wait
      request.respond(request.read.bytesize.to_s)
    end
    client = server.connect << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    expect(pieces.receive).to eq('abc') # nothing more has been sent
    sender = spin do
      500.times { client << "10000\r\n#{'x' * 65_536}\r\n" }
      client << "0\r\n\r\n"
    end
    settle # the sender waits for the kernel: nobody reads
    expect(sender.state).to eq(:waiting)
    go.set
    expect(client.response.body).to eq((500 * 65_536).to_s)
  end

  it 'answers an Expect when it is first read' do
    order = []
    go = Polyphony::Event.new
    server = serve do |request|
      order << :called
      go.wait
      request.respond(request.read)
    end
    client = server.connect << "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    wait_until { order == [:called] }
    settle
    expect(client.io.read_nonblock(1, exception: false)).to eq(:wait_readable)
    go.set
    expect(client.response.status).to eq(100)
    client << 'hello'
    response = client.response
    expect([response.status, response.body, response.keep_alive?]).to eq([200, 'hello', true])
  end

  it 'sends no 100 when the body is there already, is refused, or is for HTTP/1.0' do
    server = serve { |request| request.path == '/no' ? request.respond('no', status: 403) : request.respond(request.read) }
    client = server.connect << "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
    expect(client.response.status).to eq(200)
    client << "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    expect(client.response.body).to eq('a')
    client << "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    response = client.response
    expect([response.status, response['connection'], client.rest]).to eq([403, 'close', '']) # nobody knows whether the body will come
    client = server.connect << "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
    expect([client.response.status, client.rest]).to eq([200, ''])
  end

  it 'sends no 100 behind an answer' do
    server = serve do |request|
      request.respond('first')
      error_of { request.read }
    end
    client = server.connect << "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    response = client.response
    expect([response.body, response.keep_alive?]).to eq(['first', false])
    client << 'hello'
    expect(client.rest).to eq('')
  end

  it 'is dropped when it is left unread, up to a limit' do
    server = serve(drain_bytes: 1000) { |request| request.respond(request.path) }
    client = server.connect
    expect(client.request('POST', '/1', body: 'x' * 1000).keep_alive?).to be(true)
    client << "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\n#{'x' * 1000}\r\n0\r\n\r\n"
    expect(client.response.body).to eq('/2')
    expect(client.get('/3').body).to eq('/3')
    response = client.request('POST', '/4', body: 'x' * 1001)
    expect([response.body, response['connection'], client.rest]).to eq(['/4', 'close', ''])
    client = server.connect << "POST /5 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n#{"3E8\r\n#{'x' * 1000}\r\n" * 10}0\r\n\r\n"
    expect([client.response.body, client.rest]).to eq(['/5', ''])
    expect(serve(drain_bytes: nil) { |request| request.respond }.connect.request('POST', '/', body: 'x').status).to eq(200)
  end

  it 'may be read in part, and while the answer goes out' do
    server = serve do |request|
      request.send_headers
      request.each_chunk { |chunk| request << chunk.upcase }
    end
    client = server.connect << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.read_until("\r\n\r\n")
    3.times do
      client << "3\r\nabc\r\n"
      expect(client.read_until("\r\nABC\r\n")).to eq("3\r\nABC\r\n")
    end
    client << "0\r\n\r\n"
    expect(client.read_until("\r\n\r\n")).to eq("0\r\n\r\n")
    expect(client.get('/').status).to eq(200)
  end

  it 'tells the handler of a client that has gone' do
    errors = []
    server = serve do |request|
      request.read
    rescue Polyphony::Error => e
      errors << e.class
      raise
    end
    client = server.connect << "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"
    wait_until { server.server.connections == 1 }
    client.reset
    wait_until { server.server.connections.zero? }
    expect(errors).to eq([Polyphony::HTTP::Disconnected])
    expect(server.log).to eq('')
  end
end
