# frozen_string_literal: true

require_relative '../../support/http2_server'
require_relative '../../support/rack_app'

# The same Rack apps, with Rack::Lint around them.
RSpec.describe 'HTTP/2: Rack', :fibers do
  def client_of(app = nil, **options, &block) = h2(@server = rack(app, **options, &block))

  it 'has an env as for HTTP/1' do
    env = nil
    client = client_of { |given| (env = given) && [200, { 'content-type' => 'text/plain' }, ['hello']] }
    got = client.request('POST', '/a/b?c=d', fields: [%w[x-one 1], %w[content-type text/plain], %w[cookie a=1], %w[cookie b=2], %w[x-one 2]], body: 'four')
    expect([got.status, got.body, @server.log]).to eq([200, 'hello', ''])
    expect(env).to include('REQUEST_METHOD' => 'POST', 'PATH_INFO' => '/a/b', 'QUERY_STRING' => 'c=d', 'SERVER_PROTOCOL' => 'HTTP/2', 'HTTP_HOST' => 'localhost', 'SERVER_NAME' => 'localhost',
                           'HTTP_X_ONE' => '1, 2', 'CONTENT_TYPE' => 'text/plain', 'CONTENT_LENGTH' => '4', 'HTTP_COOKIE' => 'a=1; b=2', 'rack.url_scheme' => 'http', 'REMOTE_ADDR' => '127.0.0.1')
    expect(env.keys.grep(/:/)).to eq([])
    expect(env.keys.grep(/HTTP_CONTENT|HTTP_:|HTTP_VERSION/)).to eq([])
  end

  it 'knows the port of the authority' do
    env = nil
    client = client_of { |given| (env = given) && [200, {}, []] }
    client.headers(1, [[':method', 'GET'], [':scheme', 'http'], [':authority', 'example.com:8080'], [':path', '/']])
    client.response(1)
    expect(env).to include('SERVER_NAME' => 'example.com', 'SERVER_PORT' => '8080', 'HTTP_HOST' => 'example.com:8080')
  end

  it 'reads bodies' do
    client = client_of { |env| [200, {}, [env['rack.input'].read]] }
    body = Random.bytes(500_000)
    expect(client.request('POST', '/', body: body).body == body).to be(true)
    expect(client.request('PUT', '/', body: 'x', length: false).body).to eq('x')
    expect(client.get.body.to_s).to eq('')
  end

  it 'sends bodies of each kind' do
    bodies = { '/array' => %w[a b], '/each' => Enumerator.new { |y| 3.times { |i| y << i.to_s } }, '/call' => ->(stream) { stream.write('called') && stream.close }, '/none' => [] }
    client = client_of { |env| [200, { 'x' => %w[1 2] }, bodies[env['PATH_INFO']]] }
    expect(bodies.keys.map { |path| client.get(path).body.to_s }).to eq(['ab', '012', 'called', ''])
    expect(client.get('/array').fields.select { |name, _| name == 'x' }.map(&:last)).to eq(%w[1 2])
  end

  it 'sends a streaming body as it comes, both ways' do
    client = client_of do |env|
      body = lambda do |stream|
        while (line = stream.read(4))
          stream.write(line.upcase)
        end
        stream.close
      end
      [200, {}, env['REQUEST_METHOD'] == 'POST' ? body : []]
    end
    stream = client.send_request('POST', '/', finish: false)
    %w[aaaa bbbb].each_with_index do |piece, i|
      client.data(stream, piece)
      client.header_of(stream)
      expect(client.body_of(stream, 4 * (i + 1))).to end_with(piece.upcase)
    end
    client.data(stream, '', end_stream: true)
    expect(client.response(stream)).to be_answered
  end

  it 'closes bodies, also when the client cancels' do
    body = RackApp::Body.new('a', 'b')
    client = client_of { [200, {}, body] }
    client.get
    expect(body.calls).to eq(%i[each close])
    closed = Polyphony::Event.new
    endless = Class.new do
      def initialize(closed) = @closed = closed
      def each = loop { yield 'x' * 10_000 }
      def close = @closed.set
    end.new(closed)
    client = client_of { [200, {}, endless] }
    stream = client.send_request
    client.header_of(stream)
    client.rst_stream(stream)
    wait_until { closed.set? }
    expect(h2(@server).request('HEAD', '/').status).to eq(200)
  end

  it 'sends early hints, and calls what waits for the end of the response' do
    finished = []
    client = client_of(lint: false) do |env|
      env['rack.early_hints'].call({ 'link' => '</a.css>' })
      env['rack.response_finished'] << ->(_env, status, _headers, error) { finished << [status, error] }
      [200, {}, ['page']]
    end
    got = client.get
    expect([got.informational, got.body]).to eq([[[103, [['link', '</a.css>']]]], 'page'])
    wait_until { finished.any? }
    expect(finished).to eq([[200, nil]])
  end

  it 'leaves out what HTTP/2 does not have, and what is not for clients' do
    client = client_of(lint: false) { [200, { 'Connection' => 'close', 'Keep-Alive' => '5', 'Transfer-Encoding' => 'chunked', 'rack.internal' => 'x', 'X-Upper' => 'kept' }, %w[a]] }
    got = client.get
    expect(got.status).to eq(200).or eq(500)
    expect(got['x-upper']).to eq('kept') if got.status == 200
  end

  it 'offers no full hijack' do
    env = nil
    client = client_of { |given| (env = given) && [200, {}, []] }
    client.get
    expect([env['rack.hijack?'], env['rack.hijack']]).to eq([nil, nil]).or eq([false, nil])
  end

  it 'answers 500 for apps that raise, each for itself' do
    client = client_of(errors: StringIO.new) { |env| env['PATH_INFO'] == '/bad' ? raise('on purpose') : [200, {}, ['well']] }
    streams = Array.new(10) { |i| client.send_request('GET', i.even? ? '/bad' : '/') }
    expect(streams.map { |stream| client.response(stream).status }).to eq([500, 200] * 5)
  end

  it 'serves as many at once as the client asks' do
    gates = Hash.new { |all, path| all[path] = Polyphony::Event.new }
    client = client_of do |env|
      gates[env['PATH_INFO']].wait
      [200, {}, [env['PATH_INFO']]]
    end
    streams = Array.new(50) { |i| client.send_request('GET', "/#{i}") }
    client.sync
    49.downto(0) do |i|
      gates["/#{i}"].set
      expect(client.response(streams[i]).body).to eq("/#{i}")
    end
  end
end
