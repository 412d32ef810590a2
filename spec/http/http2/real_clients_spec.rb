# frozen_string_literal: true

require_relative '../../support/http2_server'

# Clients that others have made. Each has a process of its own, so has the server.
RSpec.describe 'HTTP/2: real clients', timeout: 90 do
  handler = <<~RUBY
    case request.path
    when '/post' then request.respond(request.read.then { |body| "\#{body.bytesize} \#{body.sum}" })
    when '/large' then request.respond('x' * 5_000_000)
    when '/stream' then 100.times { |i| request << "piece \#{i}\\n" }
    when '/hints' then request.send_early_hints({ 'link' => '</a.css>; rel=preload' }) && nil; request.respond('page')
    when '/trailers' then request << 'body'; request.finish({ 'x-sum' => '1' })
    when '/headers' then request.respond(request.headers.inspect)
    else request.respond("hello by \#{request.protocol}\\n")
    end
  RUBY

  before(:all) do
    @server = Class.new { include HttpServer }.new.tap do |helper|
      helper.define_singleton_method(:children) { @http_children }
      helper.serve_in_child(handler, prelude: HttpCrowd::CERTIFICATE, options: 'tls: TLS_OPTIONS', bind: %w[http://127.0.0.1:0 https://127.0.0.1:0])
    end.children.first
  end

  after(:all) { @server.kill }

  let(:plain) { @server.address(0) }
  let(:secure) { @server.address(1) }

  describe 'curl' do
    def fetched(*arguments, **options)
      result = curl('--insecure', '--write-out', "\n%{http_version} %{http_code}", *arguments, **options)
      expect([result.stderr, result.status.exitstatus]).to eq(['', 0])
      result.stdout
    end

    it 'by prior knowledge, and by ALPN' do
      expect(fetched('--http2-prior-knowledge', "#{plain}/")).to eq("hello by HTTP/2\n\n2 200")
      expect(fetched('--http2', "#{secure}/")).to eq("hello by HTTP/2\n\n2 200")
      expect(fetched('--http1.1', "#{secure}/")).to eq("hello by HTTP/1.1\n\n1.1 200")
      expect(fetched('--http2', "#{plain}/")).to eq("hello by HTTP/1.1\n\n1.1 200") # Upgrade: h2c is not taken
    end

    it 'uploads and downloads' do
      Tempfile.create('upload') do |file|
        file.binmode
        file.write(body = Random.bytes(3_000_000))
        file.close
        expect(fetched('--http2', '--data-binary', "@#{file.path}", "#{secure}/post")).to eq("3000000 #{body.sum}\n2 200")
        expect(fetched('--http2-prior-knowledge', '--data-binary', "@#{file.path}", "#{plain}/post")).to eq("3000000 #{body.sum}\n2 200")
      end
      [['--http2', secure], ['--http2-prior-knowledge', plain]].each do |how, address|
        expect(fetched(how, "#{address}/large").bytesize).to eq(5_000_006)
        expect(fetched(how, "#{address}/stream").scan(/^piece/).size).to eq(100)
        expect(fetched(how, '--head', "#{address}/")).to match(%r{\AHTTP/2 200 \r\n.*content-length: 16\r\n}m)
        expect(fetched(how, '--include', "#{address}/hints")).to match(%r{\AHTTP/2 103 \r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/2 200 .*page}m)
        expect(fetched(how, "#{address}/trailers")).to eq("body\n2 200")
      end
    end

    it 'asks for many at once' do
      Dir.mktmpdir do |folder|
        urls = Array.new(20) { |i| ['--output', "#{folder}/#{i}", "#{secure}/large"] }.flatten
        fetched('--http2', '--parallel', '--no-progress-meter', *urls)
        expect(Dir.children(folder).map { |name| File.size("#{folder}/#{name}") }).to eq([5_000_000] * 20)
      end
    end
  end

  describe 'nghttp' do
    def fetched(*arguments)
      result = run_command('nghttp', '--no-verify-peer', '--timeout=25', *arguments)
      expect([result.stderr.gsub(/^.*(?:negotiated|ALPN).*$/, ''), result.status.exitstatus]).to eq(['', 0])
      result.stdout
    end

    it 'gets pages, over both' do
      expect(fetched("#{plain}/")).to eq("hello by HTTP/2\n")
      expect(fetched("#{secure}/")).to eq("hello by HTTP/2\n")
      expect(fetched("#{plain}/large").bytesize).to eq(5_000_000)
    end

    it 'sees the frames that are to be seen, and no error' do
      text = fetched('--verbose', '--null-out', "#{plain}/trailers")
      expect(text).to include('recv SETTINGS', 'x-sum: 1', 'END_STREAM')
      expect(text).not_to match(/INVALID|recv RST_STREAM|recv GOAWAY.*\n.*ERROR/)
    end

    it 'uploads, with padding, continuation and small windows' do
      Tempfile.create('upload') do |file|
        file.write('x' * 1_000_000)
        file.close
        expect(fetched("--data=#{file.path}", '--padding=100', '--continuation', '--window-bits=10', "#{plain}/post")).to start_with('1000000 ')
        expect(fetched('--multiply=50', '--null-out', "#{plain}/", "#{plain}/large")).to eq('')
      end
    end
  end

  describe 'h2load' do
    def loaded(*arguments)
      result = run_command('h2load', *arguments, timeout: 60)
      expect(result.status.exitstatus).to eq(0)
      result.stdout
    end

    it 'sends 20,000 requests, 100 at a time, over both, and none fails' do
      [plain, secure].each do |address|
        expect(loaded('-n', '20000', '-c', '10', '-m', '100', "#{address}/")).to include('20000 succeeded, 0 failed, 0 errored, 0 timeout', '20000 2xx')
      end
    end

    it 'sends bodies, and takes large answers, with few windows' do
      Tempfile.create('upload') do |file|
        file.write('x' * 30_000)
        file.close
        expect(loaded('-n', '2000', '-c', '10', '-m', '20', '-d', file.path, "#{plain}/post")).to include('2000 succeeded, 0 failed, 0 errored')
      end
      expect(loaded('-n', '60', '-c', '4', '-m', '15', '-w', '14', '-W', '15', "#{plain}/large")).to include('60 succeeded, 0 failed, 0 errored')
    end
  end

  it "Node's http2: requests in one session, uploads, trailers, pings, cancelled streams" do
    script = <<~JAVASCRIPT
      const http2 = require('http2');
      const session = http2.connect(process.argv[2], { rejectUnauthorized: false });
      session.on('error', (error) => { console.log('error', error.message); process.exit(1); });
      const fetch = (path, body) => new Promise((resolve, reject) => {
        const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET' });
        let status, size = 0, trailers = null, early = null;
        stream.on('headers', (headers) => { early = headers[':status']; });
        stream.on('response', (headers) => { status = headers[':status']; });
        stream.on('trailers', (fields) => { trailers = fields['x-sum']; });
        stream.on('data', (data) => { size += data.length; });
        stream.on('end', () => resolve([status, size, trailers, early]));
        stream.on('error', reject);
        stream.end(body);
      });
      (async () => {
        const all = await Promise.all(Array.from({ length: 100 }, () => fetch('/')));
        console.log(all.every(([status, size]) => status === 200 && size === 16));
        console.log(JSON.stringify(await fetch('/large')));
        console.log(JSON.stringify(await fetch('/post', Buffer.alloc(1000000, 'x'))));
        console.log(JSON.stringify(await fetch('/trailers')));
        console.log(JSON.stringify(await fetch('/hints')));
        await new Promise((resolve) => session.ping((error) => { console.log('ping', error); resolve(); }));
        const cancelled = session.request({ ':path': '/large' });
        await new Promise((resolve) => { cancelled.on('response', () => cancelled.close(http2.constants.NGHTTP2_CANCEL)); cancelled.on('close', resolve); });
        console.log(JSON.stringify(await fetch('/')));
        session.close(() => console.log('closed'));
      })();
    JAVASCRIPT
    Tempfile.create(['client', '.js']) do |file|
      file.write(script)
      file.close
      [plain, secure].each do |address|
        result = run_command('node', file.path, address)
        expect([result.stdout.lines(chomp: true), result.stderr]).to eq([['true', '[200,5000000,null,null]', '[200,12,null,null]', '[200,4,"1",null]', '[200,4,null,103]', 'ping null', '[200,16,null,null]', 'closed'], ''])
      end
    end
  end

  it 'leave the server without a line in its log' do
    expect(@server.log.lines.drop(1)).to eq([])
  end
end
