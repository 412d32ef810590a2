# frozen_string_literal: true

require_relative '../../support/http_server'

RSpec.describe Polyphony::HTTP::Request, :fibers do
  # What the block makes of the request that is sent.
  def asked(bytes, **options)
    result = nil
    server = serve(**options) do |request|
      result = yield request
      request.respond
    end
    client = server.connect << bytes
    client.response
    result
  end

  def get(target, *fields) = "GET #{target} HTTP/1.1\r\nHost: example.com:8080\r\n#{fields.map { |field| "#{field}\r\n" }.join}\r\n".b

  it 'says what was asked' do
    values = asked(get('/a%20b/c?x=1&y', 'X-One: 1', 'x-one: 2')) do |request|
      [request.method, request.target, request.path, request.query_string, request.version, request.protocol, request.scheme,
       request.authority, request['x-one'], request['none'], request.headers['x-one'], request.head?, request.body?]
    end
    expect(values).to eq(['GET', '/a%20b/c?x=1&y', '/a%20b/c', 'x=1&y', 'HTTP/1.1', 'HTTP/1.1', 'http', 'example.com:8080', '1, 2', nil, '1, 2', false, false])
  end

  it 'says what was asked by an absolute target, or *' do
    values = asked("GET http://example.com:8080/p?q HTTP/1.1\r\nHost: example.com:8080\r\n\r\n") { |request| [request.path, request.query_string, request.authority, request.scheme] }
    expect(values).to eq(%w[/p q example.com:8080 http])
    expect(asked("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") { |request| [request.method, request.path, request.target] }).to eq(%w[OPTIONS * *])
  end

  it 'says who asks' do
    address, ip, tls = asked(get('/')) { |request| [request.peer_address, request.remote_ip, request.tls] }
    expect([address.ip_address, address.ip_port.positive?, ip, tls]).to eq(['127.0.0.1', true, '127.0.0.1', nil])
  end

  it 'decodes the query' do
    query = ->(text) { asked(get("/?#{text}"), &:query) }
    expect(query.call('a=1&b=&c&a=2&a=3&d%20e=%C3%BC+x')).to eq('a' => %w[1 2 3], 'b' => '', 'c' => '', 'd e' => 'ü x')
    expect(query.call('')).to eq({})
  end

  it 'answers a query that cannot be decoded with 400, if the handler leaves it to it' do
    server = serve { |request| request.respond(request.query.inspect) }
    ['a=%ff', '%ff=a', 'a=%zz', 'a=%', '&' * 5000].each do |query|
      expect([query, server.get("/?#{query}").status]).to eq([query, 400])
    end
    expect(server.get('/?a=1').status).to eq(200)
  end

  it 'gives the cookies' do
    cookies = asked(get('/', 'Cookie: a=1; b="2"; c=x=y;d=; e; a=9', 'Cookie: f=6'), &:cookies)
    expect(cookies).to include('a' => '1', 'b' => '2', 'c' => 'x=y', 'd' => '')
    expect(cookies).not_to include('e')
    expect(asked(get('/'), &:cookies)).to eq({})
  end

  it 'gives all cookies where they come in several fields' do
    expect(asked(get('/', 'Cookie: a=1', 'Cookie: b=2'), &:cookies)).to eq('a' => '1', 'b' => '2')
  end

  it 'lets fields be gone through' do
    expect(asked(get('/', 'X: 1'), &:each_header).to_a).to eq([['host', 'example.com:8080'], %w[x 1]])
  end

  it 'can be looked at after it was answered, its body not' do
    request = nil
    server = serve { |it_| (request = it_).respond }
    server.connect.request('POST', '/a?b', headers: { 'X' => 'y' }, body: 'x')
    settle
    expect([request.method, request.path, request['x'], request.query, request.responded?]).to eq(['POST', '/a', 'y', { 'b' => '' }, true])
    expect { request.body }.to raise_error(Polyphony::HTTP::Error, /over/)
    expect { request.read }.to raise_error(Polyphony::HTTP::Error, /over/)
    expect(request.trailers).to eq({})
  end

  it 'says itself' do
    expect(asked(get('/there'), &:inspect)).to match(%r{Request GET /there})
  end
end
