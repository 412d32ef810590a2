# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/http_certificates'
require_relative '../../support/virtual_time'
require 'polyphony/http/tls'

RSpec.describe Polyphony::HTTP::TLS, :fibers do
  pair = HttpCertificates.certificate('localhost', '*.example.com')
  other = HttpCertificates.certificate('other.test', 'www.example.com')

  def serve_tls(tls, **options, &handler)
    serve(bind: 'https://127.0.0.1:0', tls: tls, **options, &(handler || proc { |request| request.respond("#{request.scheme} #{request.read}") }))
  end

  # The subject of the certificate that the server shows.
  def subject(server, name)
    client = server.connect(tls: { name: name })
    client.io.peer_cert.subject.to_a.dig(0, 1)
  ensure
    client&.close
  end

  it 'serves as without it' do
    server = serve_tls(pair.options)
    client = server.connect
    expect(client.get.body).to eq('https ')
    expect(client.request('POST', '/', body: 'x' * 200_000).body.bytesize).to eq(200_006)
    client << ("GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 30)
    expect(Array.new(30) { client.response.status }).to eq([200] * 30)
    expect(client.io.ssl_version).to eq('TLSv1.3')
    client.close
    wait_until { server.server.connections.zero? }
    expect(server.log).to eq('')
  end

  it 'tells the handler of it' do
    seen = nil
    server = serve_tls(pair.options) do |request|
      seen = [request.tls.class, request.tls.ssl_version, request.scheme, request.remote_ip]
      request.respond
    end
    server.get
    expect(seen).to eq([OpenSSL::SSL::SSLSocket, 'TLSv1.3', 'https', '127.0.0.1'])
  end

  it 'agrees upon h2 or http/1.1, if it is asked' do
    server = serve_tls(pair.options)
    protocol = ->(*offered) { server.connect(tls: { alpn: offered }).tap(&:close).io.alpn_protocol }
    client = server.connect(tls: { alpn: %w[http/1.1] })
    expect([client.io.alpn_protocol, client.get.status]).to eq(['http/1.1', 200])
    expect(protocol.call('http/1.1', 'h2')).to eq('h2')
    client = server.connect
    expect([client.io.alpn_protocol, client.get.status]).to eq([nil, 200])
  end

  it 'shows the certificate of the name that the client asks for' do
    server = serve_tls({ **pair.options, certificates: [other.options] })
    names = { 'localhost' => 'localhost', 'a.example.com' => 'localhost', 'A.EXAMPLE.COM' => 'localhost', 'a.b.example.com' => 'localhost', 'www.example.com' => 'other.test', 'other.test' => 'other.test', 'unknown' => 'localhost', nil => 'localhost' }
    expect(names.to_h { |name, _| [name, subject(server, name)] }).to eq(names)
    server = serve_tls({ **other.options, certificates: [pair.options] })
    names = { 'localhost' => 'localhost', 'a.example.com' => 'localhost', 'A.Example.Com' => 'localhost', 'a.b.example.com' => 'other.test', 'example.com' => 'other.test', 'www.example.com' => 'other.test', nil => 'other.test' }
    expect(names.to_h { |name, _| [name, subject(server, name)] }).to eq(names)
  end

  it 'takes the name of a certificate without alternative names from its subject' do
    old = HttpCertificates.certificate('old.test', alternative_names: false)
    server = serve_tls({ **pair.options, certificates: [old.options] })
    expect([subject(server, 'old.test'), subject(server, 'x')]).to eq(%w[old.test localhost])
  end

  it 'reads files, with a chain' do
    Dir.mktmpdir do |dir|
      authority = HttpCertificates.certificate('authority', authority: true)
      signed = HttpCertificates.certificate('signed.test', by: authority)
      paths = signed.save(dir, 'signed')
      File.write(paths[:cert], signed.cert.to_pem + authority.cert.to_pem)
      server = serve_tls(paths)
      client = server.connect
      expect(client.io.peer_cert_chain.map { |cert| cert.subject.to_a.dig(0, 1) }).to eq(%w[signed.test authority])
    end
  end

  it 'reads certificates again, for new connections; bad ones change nothing' do
    Dir.mktmpdir do |dir|
      paths = pair.save(dir, 'one')
      server = serve_tls(paths)
      client = server.connect
      client.get
      other.save(dir, 'one')
      server.server.reload_certificates
      expect(subject(server, 'x')).to eq('other.test')
      expect(client.get.status).to eq(200)
      File.write(paths[:cert], 'rubbish')
      expect { server.server.reload_certificates }.to raise_error(ArgumentError, /one.crt cannot be read/)
      File.write(paths[:cert], pair.cert.to_pem)
      expect { server.server.reload_certificates }.to raise_error(ArgumentError, /is not that of the certificate/)
      expect(subject(server, 'x')).to eq('other.test')
    end
  end

  it 'asks clients for certificates' do
    Dir.mktmpdir do |dir|
      authority = HttpCertificates.certificate('authority', authority: true)
      known = HttpCertificates.certificate('client', by: authority)
      stranger = HttpCertificates.certificate('stranger')
      ca = authority.save(dir, 'ca')[:cert]
      handler = proc { |request| request.respond(request.tls.peer_cert ? request.tls.peer_cert.subject.to_s : 'none') }
      ask = lambda do |server, client|
        server.connect(tls: client ? { cert: client.cert, key: client.key } : {}).get.body
      rescue OpenSSL::SSL::SSLError, SystemCallError, StopIteration => e
        e.class
      end
      server = serve_tls({ **pair.options, ca: ca, verify_client: :require }, &handler)
      expect(ask[server, known]).to eq('/CN=client')
      expect([ask[server, nil], ask[server, stranger]]).to all(be_a(Class))
      server = serve_tls({ **pair.options, ca: ca, verify_client: :optional }, &handler)
      expect([ask[server, known], ask[server, nil]]).to eq(%w[/CN=client none])
      expect(ask[server, stranger]).to be_a(Class)
    end
  end

  it 'has a least version, ciphers, and what else one wants' do
    configured = 0
    server = serve_tls({ **pair.options, min_version: OpenSSL::SSL::TLS1_3_VERSION, configure: ->(_context) { configured += 1 } })
    expect { server.connect(tls: { max_version: :TLS1_2 }) }.to raise_error(OpenSSL::SSL::SSLError)
    expect([server.get.status, configured]).to eq([200, 1])
    server = serve_tls({ **pair.options, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
    client = server.connect(tls: { max_version: :TLS1_2 })
    expect([client.io.cipher.first, client.io.ssl_version]).to eq(['ECDHE-ECDSA-AES256-GCM-SHA384', 'TLSv1.2'])
    expect { server.connect(tls: { max_version: OpenSSL::SSL::TLS1_1_VERSION, min_version: nil }) }.to raise_error(OpenSSL::SSL::SSLError)
  end

  it 'lets sessions be resumed' do
    server = serve_tls(pair.options)
    session = nil
    reused = Array.new(2) do
      context = OpenSSL::SSL::SSLContext.new
      context.max_version = :TLS1_2
      socket = TCPSocket.new('127.0.0.1', server.port)
      ssl = OpenSSL::SSL::SSLSocket.new(socket, context)
      ssl.sync_close = true
      ssl.session = session if session
      ssl.connect
      session = ssl.session
      ssl.session_reused?.tap { ssl.close }
    end
    expect(reused).to eq([false, true])
  end

  it 'is not held up by a client that stalls, sends rubbish, or goes' do
    server = serve_tls(pair.options)
    stalled = Array.new(20) { TCPSocket.new('127.0.0.1', server.port) }
    stalled.first(10).each { |socket| socket.write("\x16\x03\x01\x02\x00") }
    rubbish = TCPSocket.new('127.0.0.1', server.port)
    rubbish.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    expect(server.get.status).to eq(200)
    stalled.each(&:close)
    wait_until { server.server.connections.zero? }
    expect(server.lines.grep(/TLS handshake failed/).size).to be >= 1
    expect(server.log).not_to match(/^\s+from |Error:/)
  end

  it 'tls_timeout: the connection of who is not through by then is closed', :virtual_time do
    path = "#{Dir.tmpdir}/polyphony-#{Process.pid}-#{rand(1 << 60)}.sock"
    server = serve(bind: "unix+tls://#{path}", tls: pair.options, tls_timeout: 5, &:respond)
    socket = UNIXSocket.new(path)
    expect(socket.read).to eq('')
    expect([time, server.lines]).to eq([5.0, ['polyphony: TLS handshake failed: not done within 5 s']])
  end

  it 'ends each connection as TLS wants it' do
    server = serve_tls(pair.options)
    ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "BAD\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"].each do |bytes|
      client = server.connect << bytes
      expect(client.response.keep_alive?).to be(false)
      expect(client.rest).to eq('') # by close_notify: without it, OpenSSL raises
    end
  end

  it 'refuses options that cannot be' do
    { {} => /needs a certificate/, { cert: pair.cert } => /needs a key/, { certificate: 'x' } => /no TLS option named certificate; there are: cert, key/,
      { cert: '/nowhere.pem', key: pair.key } => /nowhere.pem cannot be read/, { cert: pair.cert, key: other.key } => /is not that of the certificate/,
      { **pair.options, verify_client: :maybe } => /verify_client is/ }.each do |options, message|
      expect { described_class.new(options) }.to raise_error(ArgumentError, message)
    end
    expect { serve(bind: 'https://127.0.0.1:0') { nil } }.to raise_error(ArgumentError, /https:.. needs tls:/)
  end

  it 'serves with and without it at once' do
    server = serve(bind: %w[http://127.0.0.1:0 https://127.0.0.1:0], tls: pair.options) { |request| request.respond(request.scheme) }
    expect([server.connect(0).get.body, server.connect(1).get.body]).to eq(%w[http https])
  end
end
