# frozen_string_literal: true

require_relative '../../support/http2_server'

# How client and server come to speak HTTP/2: ALPN over TLS, prior knowledge over clear text (RFC 9113, section 3).
RSpec.describe 'HTTP/2: negotiation', :fibers do
  let(:handler) { proc { |request| request.respond("#{request.protocol} #{request.scheme}") } }
  let(:secure) { serve(bind: 'https://127.0.0.1:0', tls: tls_options, &handler) }

  it 'over TLS is ALPN: h2, if the client offers it' do
    [%w[h2], %w[h2 http/1.1], %w[http/1.1 h2]].each do |offered|
      client = h2(secure, tls: { alpn: offered })
      expect([client.io.alpn_protocol, client.get.body]).to eq(['h2', 'HTTP/2 https'])
    end
  end

  it 'over TLS is HTTP/1 for who does not offer it' do
    [%w[http/1.1], nil].each do |offered|
      client = secure.connect(tls: offered ? { alpn: offered } : {})
      expect([client.io.alpn_protocol, client.get.body]).to eq([offered&.first, 'HTTP/1.1 https'])
      client.close
    end
  end

  it 'over TLS 1.2 works as over later ones' do
    client = h2(secure, tls: { max_version: :TLS1_2 })
    expect(client.get.body).to eq('HTTP/2 https')
  end

  it 'over clear text is the preface' do
    server = serve(&handler)
    expect(h2(server).get.body).to eq('HTTP/2 http')
    expect(server.get.body).to eq('HTTP/1.1 http')
  end

  it 'over a UNIX socket, too' do
    Dir.mktmpdir do |folder|
      server = serve(bind: "unix://#{folder}/socket", &handler)
      expect([h2(server).get.body, server.get.body]).to eq(['HTTP/2 http', 'HTTP/1.1 http'])
    end
  end

  it 'is not Upgrade: h2c, which RFC 9113 has given up' do
    client = serve(&handler).connect
    client << "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    expect(client.response.then { |response| [response.status, response.body] }).to eq([200, 'HTTP/1.1 http'])
  end

  it 'takes no method PRI for HTTP/1' do
    client = serve(&handler).connect << "PRI / HTTP/1.1\r\nHost: a\r\n\r\n"
    expect(client.response.status).to be_between(400, 501)
  end

  it 'serves both on the same address at the same time, with one handler' do
    [serve(&handler), secure].each do |server|
      ones = Array.new(5) { server.connect }
      twos = Array.new(5) { h2(server) }
      3.times { expect([*ones, *twos].map { |client| client.get.body[/HTTP\S+/] }).to eq((['HTTP/1.1'] * 5) + (['HTTP/2'] * 5)) }
      ones.each(&:close)
    end
  end

  it 'tells the handler of the TLS connection' do
    seen = nil
    server = serve(bind: 'https://127.0.0.1:0', tls: tls_options) do |request|
      seen = [request.tls.class, request.tls.alpn_protocol, request.scheme]
      request.respond
    end
    h2(server).get
    expect(seen).to eq([OpenSSL::SSL::SSLSocket, 'h2', 'https'])
  end
end
