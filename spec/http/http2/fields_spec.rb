# frozen_string_literal: true

require_relative '../../support/http2_server'

# RFC 9113, section 8: what is a request, and what is a malformed one (8.1.1), which is an error of its stream.
HTTP2Server.describe 'HTTP/2: requests and their fields' do
  base = { ':method' => 'GET', ':scheme' => 'http', ':authority' => 'localhost', ':path' => '/' }.freeze

  # The server refuses these fields, by PROTOCOL_ERROR or an answer of 400, and goes on.
  def expect_malformed(client, fields, end_stream: true, statuses: [400])
    stream = client.new_stream
    client.headers(stream, fields, end_stream: end_stream)
    client.take until client.goaway || client.streams[stream].reset || statuses.include?(client.streams[stream].status) || client.streams[stream].over?
    return expect_connection_error(client, :PROTOCOL_ERROR) if client.goaway

    exchange = client.streams[stream]
    expect([exchange.reset || exchange.status]).to all(eq(:PROTOCOL_ERROR).or(satisfy { |status| statuses.include?(status) }))
    expect_alive(client)
  end

  def expect_served(client, fields, **options)
    stream = client.new_stream
    client.headers(stream, fields, **options)
    expect([client.response(stream).status, client.streams[stream].reset]).to eq([200, nil])
  end

  describe 'names and values (8.2.1)' do
    {
      'a name in capitals' => %w[X-Upper v], 'a name with one capital' => %w[x-uppeR v], 'an empty name' => ['', 'v'], 'a name with a space' => ['x y', 'v'],
      'a name with a colon' => %w[x:y v], 'a name with NUL' => ["x\0y", 'v'], 'a name with DEL' => ["x\x7f", 'v'], 'a name with CR' => ["x\r", 'v'],
      'a name with LF' => ["x\ny", 'v'], 'a name above 0x7f' => ["x\xe9".b, 'v'], 'a name that is a line of HTTP/1' => ["x: y\r\nz", 'v'],
      'a name with a parenthesis' => ['x(', 'v'], 'a name in quotes' => ['"x"', 'v'],
      'a value with NUL' => %W[x a\0b], 'a value with CR' => %W[x a\rb], 'a value with LF' => %W[x a\nb], 'a value with CRLF' => %W[x a\r\nb:\ c],
      'a value that begins with a space' => ['x', ' a'], 'a value that ends with a space' => ['x', 'a '],
      'a value that begins with a tab' => %W[x \ta], 'a value that ends with a tab' => %W[x a\t]
    }.each do |title, field|
      it "#{title} is malformed" do
        expect_malformed(h2, base.to_a << field)
      end
    end

    { 'a space within' => ['x', 'a b'], 'a tab within' => %W[x a\tb], 'bytes above 0x7f' => ['x', "\xe9\xff".b], 'nothing' => ['x', ''], 'every sign of a token' => ["!#$%&'*+-.^_`|~09az", 'v'] }.each do |title, field|
      it "#{title} is not" do
        expect_served(h2, base.to_a << field)
      end
    end
  end

  it 'what is malformed forges no line of the log' do
    client = h2
    client.headers(1, base.to_a << ["x\npolyphony: forged", "v\npolyphony: forged\e[31m\xff".b])
    client.response(1)
    expect(server.log.lines.grep_v(/\Apolyphony: 127\.0\.0\.1:\d+: HTTP/)).to eq([]) unless ENV['HTTP2_TARGET']
    expect(server.log).to be_ascii_only unless ENV['HTTP2_TARGET']
  end

  describe 'fields of a connection (8.2.2)' do
    [%w[connection keep-alive], %w[connection close], %w[keep-alive timeout=5], %w[proxy-connection keep-alive], %w[transfer-encoding chunked],
     %w[upgrade foo], %w[te gzip], ['te', 'trailers, deflate;q=0.5'], %w[connection x-other]].each do |field|
      it "#{field.join(': ')} is malformed" do
        expect_malformed(h2, base.to_a << field)
      end
    end

    it 'te: trailers is not' do
      expect_served(h2, base.to_a << %w[te trailers])
    end
  end

  describe 'pseudo-fields (8.3)' do
    {
      'one that is unknown' => [*base, [':test', 'ok']], 'one of answers' => [*base, [':status', '200']], 'one behind a field' => [[':method', 'GET'], [':scheme', 'http'], %w[a b], [':path', '/']],
      'all behind a field' => [%w[a b], *base], ':protocol without CONNECT' => [*base, [':protocol', 'websocket']],
      'no :method' => base.except(':method'), 'no :scheme' => base.except(':scheme'), 'no :path' => base.except(':path'), 'none' => [%w[a b]], 'no field at all' => [],
      'an empty :path' => { **base, ':path' => '' }, 'an empty :method' => { **base, ':method' => '' }, 'an empty :scheme' => { **base, ':scheme' => '' },
      'two of :method' => [*base, [':method', 'GET']], 'two of :scheme' => [*base, [':scheme', 'http']], 'two of :path' => [*base, [':path', '/']],
      'two of :authority' => [*base, [':authority', 'localhost']], 'a :path without /' => { **base, ':path' => 'index' },
      'a :path that is a URI' => { **base, ':path' => 'http://localhost/' }, '* for GET' => { **base, ':path' => '*' },
      'a :method with a space' => { **base, ':method' => 'GET /' }, 'a :method with CRLF' => { **base, ':method' => "GET / HTTP/1.1\r\n" },
      'a :path with a space' => { **base, ':path' => '/a b' }, 'a :path with CRLF' => { **base, ':path' => "/ HTTP/1.1\r\nHost: x\r\n" },
      'a :path with NUL' => { **base, ':path' => "/a\0" }, 'a :path with a tab' => { **base, ':path' => "/a\t" },
      'a :scheme with a space' => { **base, ':scheme' => 'ht tp' }, 'an :authority with a space' => { **base, ':authority' => 'local host' },
      'an :authority with a path' => { **base, ':authority' => 'localhost/x' }, 'an :authority with user info' => { **base, ':authority' => 'me@localhost' },
      'an :authority with CRLF' => { **base, ':authority' => "localhost\r\nx: y" }, 'no :authority and no host' => base.except(':authority'),
      'an empty :authority' => { **base, ':authority' => '' },
      'an :authority and another host' => [*base, %w[host other]], 'two hosts' => [*base.except(':authority'), %w[host a], %w[host b]]
    }.each do |title, fields|
      it "#{title}: malformed" do
        expect_malformed(h2, fields.to_a)
      end
    end

    {
      'in another order' => base.to_a.reverse, 'host instead of :authority' => [*base.except(':authority'), %w[host localhost]],
      'host as :authority' => [*base, %w[host localhost]], '* for OPTIONS' => { **base, ':method' => 'OPTIONS', ':path' => '*' },
      'a port' => { **base, ':authority' => 'localhost:8080' }, 'an address of IPv6' => { **base, ':authority' => '[::1]:80' },
      'a method of its own' => { **base, ':method' => 'PURGE' }, 'a query' => { **base, ':path' => '/?a=b&c[]=d' }, 'several cookies (8.2.3)' => [*base, %w[cookie a=1], %w[cookie b=2]]
    }.each do |title, fields|
      it "#{title}: well" do
        expect_served(h2, fields.to_a)
      end
    end
  end

  describe 'the frames of a request (8.1)' do
    it 'have trailers at the end only: HEADERS without END_STREAM are malformed' do
      client, stream = opened
      client.data(stream, 'x')
      client.headers(stream, [%w[x-trailer v]], end_stream: false)
      expect_error(client, stream, :PROTOCOL_ERROR)
    end

    it 'may have trailers, and nothing before them' do
      client, stream = opened
      client.headers(stream, [%w[x-trailer v]])
      expect(client.response(stream).status).to eq(200)
      expect(client.request('POST', '/', body: 'body', trailers: [%w[x-sum 1]]).status).to eq(200)
    end

    { 'a pseudo-field' => [[':method', 'GET']], ':path' => [%w[x-a b], [':path', '/']], 'a name in capitals' => [%w[X-A b]], 'connection' => [%w[connection close]] }.each do |title, fields|
      it "have no trailers with #{title}" do
        client, stream = opened
        client.data(stream, 'x')
        client.headers(stream, fields)
        expect_error(client, stream, :PROTOCOL_ERROR)
      end
    end
  end

  describe 'content-length (8.1.1)' do
    {
      'less' => ['1', %w[xx]], 'more' => ['3', %w[xx]], 'less, in several frames' => ['3', %w[x x x x]], 'more, in several frames' => ['5', %w[x x]], 'more, with nothing' => ['1', []],
      'no number' => ['x', %w[x]], 'a negative number' => ['-1', %w[x]], 'a plus' => ['+1', %w[x]], 'a list' => ['1, 1', %w[x]], 'too large' => ['99999999999999999999', %w[x]], 'nothing' => ['', []]
    }.each do |title, (length, pieces)|
      it "that says #{title} is malformed" do
        client = h2
        stream = client.new_stream
        client.headers(stream, client.head('POST', '/', [['content-length', length]]), end_stream: false)
        pieces.each { |piece| client.data(stream, piece) }
        client.data(stream, '', end_stream: true)
        client.take until client.goaway || client.streams[stream].over?
        expect(client.goaway&.code || client.streams[stream].reset || client.streams[stream].status).to eq(:PROTOCOL_ERROR).or eq(400)
      end
    end

    it 'that ends with HEADERS and says more is malformed; that says 0 is not' do
      expect_malformed(h2, base.to_a << %w[content-length 5])
      expect_served(h2, base.to_a << %w[content-length 0])
    end

    it 'that is given twice is malformed' do
      client = h2
      stream = client.new_stream
      client.headers(stream, client.head('POST', '/', [%w[content-length 1], %w[content-length 2]]), end_stream: false)
      client.data(stream, 'x', end_stream: true)
      client.take until client.goaway || client.streams[stream].over?
      expect(client.goaway&.code || client.streams[stream].reset || client.streams[stream].status).to eq(:PROTOCOL_ERROR).or eq(400)
    end

    it 'that is right is right with trailers, too' do
      client = h2
      expect(client.request('POST', '/', body: 'four', trailers: [%w[a b]]).status).to eq(200)
      stream = client.send_request('POST', '/', fields: [%w[content-length 5]], body: 'four', trailers: [%w[a b]], length: false)
      expect_error(client, stream, :PROTOCOL_ERROR)
    end
  end

  describe 'CONNECT (8.5)' do
    it 'with :scheme or :path, and without :authority, is malformed' do
      [[[':method', 'CONNECT'], [':scheme', 'http'], [':authority', 'localhost:80'], [':path', '/']], [[':method', 'CONNECT'], [':authority', 'localhost:80'], [':path', '/']],
       [[':method', 'CONNECT']]].each { |fields| expect_malformed(h2, fields, end_stream: false, statuses: [400, 405, 501]) }
    end

    it 'in good order reaches the handler, which is no proxy, and nothing else suffers' do
      client = h2
      stream = client.new_stream
      client.headers(stream, [[':method', 'CONNECT'], [':authority', 'localhost:80']], end_stream: false)
      expect(client.response(stream).then { |got| [got.status, got.body] }).to eq([405, 'no proxy'])
      expect_alive(client)
    end
  end
end
