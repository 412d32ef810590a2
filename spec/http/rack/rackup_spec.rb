# frozen_string_literal: true

require 'tmpdir'
require_relative '../../support/rack_app'

RSpec.describe 'rackup -s polyphony' do
  around do |example|
    Dir.mktmpdir do |dir|
      @dir = dir
      example.run
    end
  end

  # @return [HttpServer::Child]
  def rackup(app, *arguments, count: 1, host: %w[-o 127.0.0.1 -p 0])
    config = File.join(@dir, 'config.ru')
    File.write(config, app)
    start_child([Gem.bin_path('rackup', 'rackup'), '-s', 'polyphony', *host, *arguments, config], {}, chdir: @dir).await(count)
  end

  hello = "run ->(env) { [200, { 'content-type' => 'text/plain' }, [env['rack.url_scheme']]] }\n"

  it 'serves inside the middleware of development, Lint among it, and ends with INT' do
    server = rackup(hello)
    expect(server.connect.get.body).to eq('http')
    server.signal(:INT)
    expect([server.wait.exitstatus, server.log]).to match([0, %r{\Apolyphony: listening on http://127.0.0.1:\d+\n.*"GET / HTTP/1.1" 200}m])
  end

  it 'serves what Rack::Builder makes of config.ru' do
    server = rackup(<<~RUBY)
      require 'rack'
      warmup { |app| WARM = Rack::MockRequest.new(app).get('/').status }
      use Rack::ContentLength
      use(Class.new { def initialize(app, name) = (@app, @name = app, name); def call(env) = @app.call(env).tap { |answer| answer[1]['x-name'] = @name } }, 'used')
      map('/sub') { run ->(env) { [200, {}, [env.values_at('SCRIPT_NAME', 'PATH_INFO').join(' ')]] } }
      run ->(env) { [200, {}, ["\#{WARM rescue 'cold'} \#{env['PATH_INFO']}"]] }
      freeze_app
    RUBY
    client = server.connect
    response = client.get('/a')
    expect([response.body, response['x-name']]).to eq(['200 /a', 'used'])
    expect(client.get('/sub/b').body).to eq('/sub /b')
  end

  it 'takes where to listen, limits and logs as options' do
    socket = File.join(@dir, 'socket')
    log = File.join(@dir, 'log')
    server = rackup(hello, '-O', "Bind=http://127.0.0.1:0,unix://#{socket}", '-O', 'target_bytes=50', '-O', 'requests=1', '-O', 'idle_timeout=none',
                    '-O', "RequestLog=#{log}", '-E', 'none', count: 2)
    expect(server.connect(1).get.body).to eq('http')
    expect(server.connect.get("/#{'x' * 50}").status).to eq(414)
    expect(server.connect.get.keep_alive?).to be(false)
    server.signal(:TERM)
    expect(server.wait.exitstatus).to eq(0)
    expect(File.read(log)).to include('"GET / HTTP/1.1" 200')
  end

  it 'serves TLS' do
    require 'openssl'
    key = OpenSSL::PKey::EC.generate('prime256v1')
    certificate = OpenSSL::X509::Certificate.new.tap do |cert|
      cert.public_key = key
      cert.subject = cert.issuer = OpenSSL::X509::Name.parse('/CN=localhost')
      cert.not_before = Time.now - 60
      cert.not_after = Time.now + 3600
      cert.sign(key, 'SHA256')
    end
    File.write(File.join(@dir, 'cert'), certificate.to_pem)
    File.write(File.join(@dir, 'key'), key.to_pem)
    server = rackup(hello, '-O', 'Cert=cert', '-O', 'Key=key')
    expect([server.address, server.connect.get.body]).to match([/\Ahttps:/, 'https'])
  end

  it 'lets a request finish when it ends, but a second signal does not' do
    app = "run ->(env) { [200, {}, ->(stream) { stream << 'begun'; env['rack.input'].read; stream << ' ended' }] }\n"
    server = rackup(app, '-E', 'none')
    finishing, cut = Array.new(2) do
      server.connect.tap do |client|
        client << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.read_until("begun\r\n")
      end
    end
    server.signal(:TERM)
    sleep 0.01 until refused?(server)
    finishing << "0\r\n\r\n"
    expect(finishing.rest_of_chunks).to eq(' ended')
    server.signal(:TERM)
    expect([server.wait.exitstatus, cut.rest]).to eq([0, ''])
  end

  def refused?(server)
    server.connect.close
    false
  rescue Errno::ECONNREFUSED
    true
  end

  it 'says what is wrong with options' do
    config = File.join(@dir, 'config.ru')
    File.write(config, hello)
    [['requests=x', /invalid value for Float/], ['Bind=ftp://x', /ftp:/]].each do |option, reason|
      _, err, status = run_command(RbConfig.ruby, *Support::RunRuby::LOAD_PATH, Gem.bin_path('rackup', 'rackup'), '-s', 'polyphony', '-O', option, config)
      expect([status.success?, err]).to match([false, reason])
    end
  end

  it 'tells of its options in the help of rackup' do
    out, = run_command(RbConfig.ruby, *Support::RunRuby::LOAD_PATH, Gem.bin_path('rackup', 'rackup'), '-s', 'polyphony', '--help')
    expect(out).to include('Server-specific options for Polyphony').and include('-O Bind=URL[,URL]').and include('-O body_bytes=67108864')
  end
end

RSpec.describe 'config.ru by `polyphony serve`' do
  it 'is what Rack::Builder makes of it' do
    Dir.mktmpdir do |dir|
      File.write(File.join(dir, 'config.ru'), <<~RUBY)
        # frozen_string_literal: true
        use Rack::Lint
        map('/sub') { run ->(env) { [200, {}, [env.values_at('SCRIPT_NAME', 'PATH_INFO').join(' ')]] } }
        run { |env| [200, {}, [env['PATH_INFO'], __FILE__, ' ', __LINE__.to_s]] }
        __END__
        nothing
      RUBY
      client = serve_in_child(command: ['-b', 'http://127.0.0.1:0'], chdir: dir).connect
      expect(client.get('/sub/x').body).to eq('/sub /x')
      expect(client.get('/x').body).to end_with('config.ru 4').and start_with('/x')
    end
  end
end
