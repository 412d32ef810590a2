# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/virtual_time'
require 'json'

RSpec.describe Polyphony::HTTP::AccessLog, :fibers do
  # The lines for the requests that the block makes.
  def lines(format: :common, handler: nil, **options)
    io = StringIO.new
    log = described_class.new(io, format: format)
    server = serve(access_log: log, **options) { |request| handler ? handler.call(request) : request.respond('hello') }
    yield server
    wait_until { server.server.connections.zero? }
    log.flush
    io.string.lines(chomp: true)
  end

  def ask(server, bytes)
    client = server.connect << bytes
    client.finish
    client.rest
    client.close
  end

  it 'has a line for each request, as Apache writes it, and the seconds' do
    found = lines { |server| ask(server, "GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") }
    date = '\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}'
    expect(found).to match([%r{\A127\.0\.0\.1 - - \[#{date}\] "GET /a\?b=c HTTP/1\.1" 200 5 \d\.\d{4}\z}, %r{\A127\.0\.0\.1 - - \[#{date}\] "HEAD / HTTP/1\.0" 200 0 \d\.\d{4}\z}])
  end

  it 'can be JSON' do
    found = lines(format: :json) { |server| ask(server, "GET /a?b=c HTTP/1.1\r\nHost: a\r\nUser-Agent: \"x\"\r\nReferer: http://b/\r\n\r\n") }
    line = JSON.parse(found.first)
    expect(line).to include('address' => '127.0.0.1', 'method' => 'GET', 'target' => '/a?b=c', 'protocol' => 'HTTP/1.1', 'status' => 200, 'bytes' => 5, 'agent' => '"x"', 'referer' => 'http://b/')
    expect(line['time']).to match(/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/)
    expect(line['seconds']).to be_a(Float)
  end

  it 'cannot be forged' do
    target = '/"%20200%20-%0a%0d\\x"\\"'
    found = lines { |server| ask(server, "GET #{target} HTTP/1.1\r\nHost: a\r\n\r\n") }
    expect(found.size).to eq(1)
    expect(found.first).to include('"GET /\\x22%20200%20-%0a%0d\\x5cx\\x22\\x5c\\x22 HTTP/1.1" 200 5')
    found = lines(format: :json) { |server| ask(server, "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\x80\",\"status\":1\t\\\r\n\r\n".b) }
    expect(found.size).to eq(1)
    expect(JSON.parse(found.first)).to include('status' => 200, 'agent' => "??\",\"status\":1\t\\")
  end

  it 'counts the bytes of answers in pieces, of files, and of those that were broken off' do
    Dir.mktmpdir do |dir|
      File.write(File.join(dir, 'file'), 'x' * 300_000)
      handler = lambda do |request|
        case request.path
        when '/pieces' then request << 'abc' << 'de'
        when '/file' then request.serve_file(File.join(dir, 'file'))
        when '/broken' then (request << 'abc') && raise('on purpose')
        else request.respond(%w[a bc])
        end
      end
      found = lines(handler: handler) { |server| %w[/pieces /file /broken /].each { |path| ask(server, "GET #{path} HTTP/1.1\r\nHost: a\r\n\r\n") } }
      expect(found.map { |line| line[/" (\d+ \d+) /, 1] }).to eq(['200 5', '200 300000', '200 3', '200 3'])
    end
  end

  it 'has answers that no handler has made' do
    handler = ->(request) { request.path == '/raise' ? raise('on purpose') : request.read }
    found = lines(handler: handler, body_bytes: 10) do |server|
      ask(server, "GET /raise HTTP/1.1\r\nHost: a\r\n\r\n")
      ask(server, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
      ask(server, "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
    end
    expect(found.map { |line| line[%r{"\w+ /(\w+) .*" (\d+) }] && [$1, $2] }).to eq([%w[raise 500], %w[none 500], %w[body 400]])
  end

  it 'has no address for UNIX sockets' do
    found = lines(bind: "unix://#{Dir.tmpdir}/polyphony-#{Process.pid}-#{rand(1 << 60)}.sock") { |server| ask(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
    expect(found.first).to start_with('- - - [')
  end

  it 'is written once a second, at the end, and sooner when there is much', :virtual_time do
    io = StringIO.new
    server = serve(access_log: described_class.new(io)) { |request| request.respond }
    client = server.connect
    client.get
    settle
    expect(io.string).to eq('')
    sleep 2
    expect(io.string.lines.size).to eq(1)
    2000.times { client.get }
    settle
    expect(io.string.lines.size).to be > 500
    client.close
    server.server.stop
    expect(io.string.lines.size).to eq(2001)
  end

  it 'goes on in a new file when it was moved away' do
    Dir.mktmpdir do |dir|
      path = File.join(dir, 'access.log')
      log = described_class.new(File.open(path, 'a'))
      server = serve(access_log: log) { |request| request.respond }
      server.get('/1')
      wait_until { server.server.connections.zero? }
      File.rename(path, "#{path}.1")
      log.reopen
      server.get('/2')
      wait_until { server.server.connections.zero? }
      log.flush
      expect([File.read("#{path}.1"), File.read(path)]).to match([%r{/1}, %r{/2}])
      expect([File.read("#{path}.1"), File.read(path)].map { |text| text.lines.size }).to eq([1, 1])
    end
  end

  it 'knows its formats' do
    expect { described_class.new(StringIO.new, format: :xml) }.to raise_error(ArgumentError, /no format :xml: common or json/)
  end
end
