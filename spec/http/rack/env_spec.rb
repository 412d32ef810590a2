# frozen_string_literal: true

require 'tmpdir'
require_relative '../../support/rack_app'

RSpec.describe 'The env of Rack', :fibers do
  # @return [Hash] the env that a request is served with
  def env_of(head, index: 0, **options)
    seen = nil
    server = rack(**options) do |env|
      seen = env.dup
      [200, {}, []]
    end
    client = server.connect(index)
    client << head
    expect([client.response.status, server.log]).to eq([200, ''])
    seen
  end

  it 'has what the request says, and nothing else in HTTP_' do
    env = env_of("POST /a%20b/c?d=e&f HTTP/1.1\r\nHost: example.com:8080\r\nX-One: 1\r\nX-one: 2\r\nCookie: a=1\r\n" \
                 "Cookie: b=2\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nX_Two: 3\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
    expect(env).to include(
      'REQUEST_METHOD' => 'POST', 'SCRIPT_NAME' => '', 'PATH_INFO' => '/a%20b/c', 'QUERY_STRING' => 'd=e&f',
      'REQUEST_URI' => '/a%20b/c?d=e&f', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'SERVER_NAME' => 'example.com',
      'SERVER_PORT' => '8080', 'REMOTE_ADDR' => '127.0.0.1', 'CONTENT_TYPE' => 'text/plain', 'CONTENT_LENGTH' => '0',
      'rack.url_scheme' => 'http', 'rack.hijack?' => true, 'rack.response_finished' => []
    )
    expect(env.select { |key, _| key.start_with?('HTTP_') })
      .to eq('HTTP_HOST' => 'example.com:8080', 'HTTP_X_ONE' => '1, 2', 'HTTP_COOKIE' => 'a=1; b=2',
             'HTTP_X_FORWARDED_FOR' => '9.9.9.9')
    expect(env['polyphony.request']).to be_a(Polyphony::HTTP::Request)
    expect(env.keys.grep(/HTTPS|rack\.(version|multithread|multiprocess|run_once|protocol)/)).to eq([])
  end

  it 'has names and ports without Host, with an address of IPv6, and of an absolute target' do
    expect(env_of("GET / HTTP/1.0\r\n\r\n")).to include('SERVER_NAME' => 'localhost', 'SERVER_PORT' => '80', 'SERVER_PROTOCOL' => 'HTTP/1.0')
    expect(env_of("GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n")).to include('SERVER_NAME' => '[::1]', 'SERVER_PORT' => '81')
    env = env_of("GET http://a.example/b?c HTTP/1.1\r\nHost: a.example\r\n\r\n")
    expect(env).to include('SERVER_NAME' => 'a.example', 'SERVER_PORT' => '80', 'PATH_INFO' => '/b', 'QUERY_STRING' => 'c')
    expect(env_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")).to include('PATH_INFO' => '*')
  end

  it 'says where it is served: over a UNIX socket' do
    Dir.mktmpdir do |dir|
      env = env_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n", bind: "unix://#{dir}/s")
      expect(env).to include('REMOTE_ADDR' => '', 'SERVER_NAME' => 'a', 'SERVER_PORT' => '80', 'rack.url_scheme' => 'http')
    end
  end

  it 'is new for each request of a connection, and theirs alone' do
    envs = []
    server = rack do |env|
      envs << env
      env['REMOTE_ADDR'] = 'changed'
      env['rack.response_finished'] << ->(*) {} unless env['PATH_INFO'] == '/2'
      [200, {}, []]
    end
    client = server.connect
    client.get('/1')
    client.get('/2', headers: { 'Host' => 'b' })
    expect(envs.map { |env| env['SERVER_NAME'] }).to eq(%w[localhost b])
    expect(envs[0]).not_to equal(envs[1])
    expect(envs[1]['rack.response_finished']).to eq([])
  end

  it 'names the protocols that the client would change to' do
    env = env_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket, foo/2\r\n\r\n")
    expect(env['rack.protocol']).to eq(['websocket', 'foo/2'])
  end

  it 'has HTTPS over TLS' do
    require 'polyphony/http/tls'
    key = OpenSSL::PKey::EC.generate('prime256v1')
    certificate = OpenSSL::X509::Certificate.new.tap do |cert|
      cert.public_key = key
      cert.subject = cert.issuer = OpenSSL::X509::Name.parse('/CN=localhost')
      cert.not_before = Time.now - 60
      cert.not_after = Time.now + 3600
      cert.sign(key, 'SHA256')
    end
    Dir.mktmpdir do |dir|
      File.write("#{dir}/cert", certificate.to_pem)
      File.write("#{dir}/key", key.to_pem)
      env = env_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n", bind: 'https://127.0.0.1:0', tls: { cert: "#{dir}/cert", key: "#{dir}/key" })
      expect(env).to include('HTTPS' => 'on', 'rack.url_scheme' => 'https', 'SERVER_PORT' => '443', 'REMOTE_ADDR' => '127.0.0.1')
    end
  end
end
