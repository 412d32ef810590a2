# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/http_certificates'
require 'net/http'

# Clients that other people have written.
RSpec.describe 'A server' do
  handler = <<~RUBY
    case request.path
    when '/upload' then request.respond(request.read)
    when '/refuse' then request.respond("no\n", status: 403)
    when '/stream' then 3.times { |i| request << "piece \#{i}\n" }
    when '/trailer' then (request << 'body') && request.finish({ 'x-sum' => '4' })
    when '/hints' then request.send_early_hints({ 'link' => '</a>; rel=preload' }) || request.respond('page')
    when '/file' then request.serve_file(FILE)
    when '/redirect' then request.redirect('/hello')
    when '/none' then request.respond(nil, status: 204)
    else request.respond("hello \#{request.version} \#{request.method}\n")
    end
  RUBY

  before do
    @dir = Dir.mktmpdir
    @file = File.join(@dir, 'file.txt')
    File.write(@file, '0123456789' * 30_000)
    @big = File.join(@dir, 'big')
    File.binwrite(@big, Random.bytes(3_000_000))
    @pair = HttpCertificates.certificate('localhost').save(@dir, 'cert')
    @server = serve_in_child(handler, bind: ['http://127.0.0.1:0', 'https://127.0.0.1:0', "unix://#{@dir}/socket"], prelude: "FILE = #{@file.inspect}", options: "tls: #{@pair.inspect}, drain_bytes: 100_000")
  end

  after { FileUtils.rm_rf(@dir) }

  # What curl says it got: status, version of HTTP, connections made.
  def curled(*arguments, address: @server.address)
    result = curl('--write-out', '\n%{http_code} %{http_version} %{num_connects}', *arguments[0..-2], "#{address}#{arguments.last}")
    expect(result.stderr).to eq('')
    body, _, info = result.stdout.b.rpartition("\n")
    [body, info]
  end

  describe 'for curl' do
    it 'speaks HTTP/1.1, 1.0 and HEAD' do
      expect(curled('/')).to eq(["hello HTTP/1.1 GET\n", '200 1.1 1'])
      expect(curled('--http1.0', '/')).to eq(["hello HTTP/1.0 GET\n", '200 1.1 1'])
      expect(curled('--head', '/')).to match([/\AHTTP\/1\.1 200 OK\r\ndate: .*content-length: 20\r\n\r\n\z/m, '200 1.1 1'])
      expect(curled('/none')).to eq(['', '204 1.1 1'])
      expect(curled('--location', '/redirect')).to eq(["hello HTTP/1.1 GET\n", '200 1.1 1']).or eq(["hello HTTP/1.1 GET\n", '200 1.1 0'])
    end

    it 'keeps connections' do
      result = curl('--write-out', '%{num_connects}\n', *Array.new(10) { @server.url('/') })
      expect(result.stdout.lines.grep(/^\d/).map(&:to_i)).to eq([1] + ([0] * 9))
    end

    it 'takes uploads: with Expect and without, with a length and in chunks, refused ones' do
      content = File.binread(@big)
      expect(curled('--data-binary', "@#{@big}", '/upload')).to eq([content, '200 1.1 1'])
      expect(curled('--data-binary', "@#{@big}", '-H', 'Expect: 100-continue', '/upload')).to eq([content, '200 1.1 1'])
      expect(curled('--data-binary', "@#{@big}", '-H', 'Expect:', '/upload')).to eq([content, '200 1.1 1'])
      expect(curled('--upload-file', @big, '/upload')).to eq([content, '200 1.1 1'])
      expect(curled('--upload-file', @big, '-H', 'Transfer-Encoding: chunked', '/upload')).to eq([content, '200 1.1 1'])
      expect(curled('--http1.0', '--data-binary', "@#{@big}", '/upload')).to eq([content, '200 1.1 1'])
      expect(curled('--form', "file=@#{@file}", '/upload').first).to include('0123456789' * 30_000, 'filename="file.txt"')
      expect(curled('--upload-file', @big, '-H', 'Expect: 100-continue', '/refuse')).to eq(["no\n", '403 1.1 1'])
      expect(curled('--data-binary', 'small', '/refuse')).to eq(["no\n", '403 1.1 1'])
    end

    it 'serves ranges, conditions, and downloads that go on' do
      expect(curled('--range', '10-19', '/file')).to eq(['0123456789', '206 1.1 1'])
      expect(curled('--range', '-5', '/file')).to eq(['56789', '206 1.1 1'])
      expect(curled('--range', '300000-', '/file').last).to eq('416 1.1 1')
      part = File.join(@dir, 'part')
      File.write(part, '0123456789' * 100)
      curl('--continue-at', '-', '--output', part, @server.url('/file'))
      expect(File.read(part) == File.read(@file)).to be(true)
      tag = curled('--head', '/file').first[/^etag: (.*)\r/, 1]
      expect(curled('-H', "If-None-Match: #{tag}", '/file')).to eq(['', '304 1.1 1'])
      expect(curled('--time-cond', @file, '/file')).to eq(['', '304 1.1 1'])
    end

    it 'sends pieces, trailers and hints' do
      expect(curled('/stream')).to eq(["piece 0\npiece 1\npiece 2\n", '200 1.1 1'])
      expect(curled('--http1.0', '/stream').first).to eq("piece 0\npiece 1\npiece 2\n")
      expect(curl('--verbose', '--raw', @server.url('/trailer')).then { |result| [result.stdout, result.stderr] }).to match(["4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n", anything])
      expect(curl('--include', @server.url('/hints')).stdout).to match(%r{\AHTTP/1\.1 103 Early Hints\r\nlink: .*?\r\n\r\nHTTP/1\.1 200 OK\r\n.*page\z}m)
    end

    it 'speaks TLS, with ALPN, and over UNIX sockets' do
      expect(curled('--cacert', @pair[:cert], '--resolve', "localhost:#{@server.address(1)[/\d+\z/]}:127.0.0.1", '/', address: "https://localhost:#{@server.address(1)[/\d+\z/]}")).to eq(["hello HTTP/2 GET\n", '200 2 1'])
      expect(curled('--insecure', '--data-binary', "@#{@big}", '/upload', address: @server.address(1)).first).to eq(File.binread(@big))
      expect(curl('--insecure', '--http1.1', '--tlsv1.2', '--tls-max', '1.2', "#{@server.address(1)}/").stdout).to eq("hello HTTP/1.1 GET\n")
      expect(curled('--unix-socket', "#{@dir}/socket", '/', address: 'http://localhost')).to eq(["hello HTTP/1.1 GET\n", '200 1.1 1'])
    end

    it 'gives HTTP/2 to a client that would like it, by ALPN; in clear text it does not change' do
      expect(curled('--http2', '/')).to eq(["hello HTTP/1.1 GET\n", '200 1.1 1'])
      expect(curled('--http2', '--insecure', '/', address: @server.address(1)).first).to eq("hello HTTP/2 GET\n")
    end
  end

  it 'for Net::HTTP keeps the connection, for all methods' do
    Net::HTTP.start('127.0.0.1', @server.port) do |http|
      socket = nil
      100.times do |i|
        response = i.even? ? http.get('/') : http.post('/upload', "body #{i}")
        expect(response.body).to eq(i.even? ? "hello HTTP/1.1 GET\n" : "body #{i}")
        socket ||= http.instance_variable_get(:@socket)
        expect(http.instance_variable_get(:@socket)).to equal(socket)
      end
      expect(http.head('/')['content-length']).to eq('20')
      expect([http.delete('/').body, http.options('/').body, http.patch('/', 'x').body]).to eq(["hello HTTP/1.1 DELETE\n", "hello HTTP/1.1 OPTIONS\n", "hello HTTP/1.1 PATCH\n"])
      request = Net::HTTP::Put.new('/upload', 'Transfer-Encoding' => 'chunked')
      request.body_stream = File.open(@big, 'rb')
      expect(http.request(request).body == File.binread(@big)).to be(true)
      pieces = []
      http.request_get('/stream') { |response| response.read_body { |piece| pieces << piece } }
      expect(pieces.join).to eq("piece 0\npiece 1\npiece 2\n")
    end
  end

  it 'for Node: its own client with an agent that keeps connections, and undici (fetch)' do
    script = <<~'JS'
      const http = require('node:http');
      const base = process.argv[2];
      const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
      let sockets = new Set();
      function request(path, { method = 'GET', headers = {}, body } = {}) {
        return new Promise((resolve, reject) => {
          const r = http.request(base + path, { method, headers, agent }, (response) => {
            const chunks = [];
            response.on('data', (chunk) => chunks.push(chunk));
            response.on('error', reject);
            response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks), trailers: response.trailers }));
          });
          r.on('socket', (socket) => sockets.add(socket));
          r.on('error', reject);
          if (headers.Expect) r.on('continue', () => r.end(body)); else r.end(body);
          if (headers.Expect) r.flushHeaders();
        });
      }
      function check(condition, what) { if (!condition) throw new Error(what); }
      (async () => {
        const answers = await Promise.all(Array.from({ length: 400 }, (_, i) => request('/upload', { method: 'POST', body: `number ${i}` })));
        check(answers.every((answer, i) => answer.status === 200 && answer.body.toString() === `number ${i}`), 'bodies');
        check(sockets.size <= 4, `sockets: ${sockets.size}`);
        check((await request('/trailer')).trailers['x-sum'] === '4', 'trailers');
        check((await request('/upload', { method: 'POST', headers: { Expect: '100-continue' }, body: 'late' })).body.toString() === 'late', 'continue');
        check((await request('/', { method: 'HEAD' })).body.length === 0, 'head');
        check((await request('/stream')).body.toString() === 'piece 0\npiece 1\npiece 2\n', 'pieces');
        const big = Buffer.alloc(2000000, 'x');
        for (let i = 0; i < 50; i++) {
          const response = await fetch(base + '/upload', { method: 'POST', body: `fetch ${i}` });
          check(await response.text() === `fetch ${i}`, 'fetch');
        }
        const all = await Promise.all(Array.from({ length: 200 }, () => fetch(base + '/').then((r) => r.text())));
        check(all.every((text) => text === 'hello HTTP/1.1 GET\n'), 'fetches at once');
        check((await (await fetch(base + '/upload', { method: 'POST', body: big })).arrayBuffer()).byteLength === big.length, 'fetch of much');
        const stream = new ReadableStream({ start(controller) { for (const part of ['a', 'b', 'c']) controller.enqueue(new TextEncoder().encode(part)); controller.close(); } });
        check(await (await fetch(base + '/upload', { method: 'POST', body: stream, duplex: 'half' })).text() === 'abc', 'fetch of a stream');
        check((await fetch(base + '/redirect')).url.endsWith('/hello'), 'redirect');
        check((await fetch(base + '/none')).status === 204, 'none');
        console.log('all is well');
        agent.destroy();
        process.exit(0);
      })().catch((error) => { console.error(error); process.exit(1); });
    JS
    File.write(File.join(@dir, 'client.js'), script)
    result = run_command('node', File.join(@dir, 'client.js'), @server.address)
    expect([result.stdout, result.stderr.lines.grep_v(/Warning|node --trace/).join]).to eq(["all is well\n", ''])
  end

  it 'for wrk and h2load answers without an error' do
    wrk = run_command('wrk', '-t', '2', '-c', '20', '-d', '1', @server.url('/'))
    expect(wrk.stdout).to match(%r{requests in}).and satisfy('no errors') { |text| !text.match?(/Socket errors|Non-2xx/) }
    load_run = run_command('h2load', '--h1', '-n', '20000', '-c', '20', @server.url('/'))
    expect(load_run.stdout).to include('20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout')
    pipelined = run_command('h2load', '--h1', '-m', '16', '-n', '20000', '-c', '5', @server.url('/'))
    expect(pipelined.stdout).to include('20000 succeeded, 0 failed, 0 errored, 0 timeout')
    secure = run_command('h2load', '--h1', '-n', '2000', '-c', '5', "#{@server.address(1)}/")
    expect(secure.stdout).to include('2000 succeeded, 0 failed, 0 errored, 0 timeout')
    expect(@server.log.lines.size).to eq(1) # its addresses
  end
end
