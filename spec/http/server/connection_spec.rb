# frozen_string_literal: true

require_relative '../../support/http_server'

RSpec.describe 'A connection of HTTP/1', :fibers do
  def get(path = '/', version: '1.1', connection: nil)
    "GET #{path} HTTP/#{version}\r\n#{"Host: a\r\n" if version == '1.1'}#{"Connection: #{connection}\r\n" if connection}\r\n"
  end

  let(:server) { serve { |request| request.respond(request.path) } }

  it 'serves one request after another' do
    client = server.connect
    expect(Array.new(100) { |i| client.get("/#{i}").body }).to eq(Array.new(100) { |i| "/#{i}" })
    expect(server.server.connections).to eq(1)
  end

  it 'stays open, or not, as the client wants it' do
    { ['1.1', nil] => true, ['1.1', 'close'] => false, ['1.1', 'keep-alive'] => true, ['1.1', 'Close'] => false, ['1.1', 'x, close'] => false,
      ['1.0', nil] => false, ['1.0', 'keep-alive'] => true, ['1.0', 'Keep-Alive'] => true, ['1.0', 'close'] => false, ['1.1', 'closed'] => true }.each do |(version, connection), open|
      client = server.connect << get(version: version, connection: connection)
      response = client.response
      expect([version, connection, response.keep_alive?]).to eq([version, connection, open])
      open ? expect(client.get.status).to(eq(200)) : expect(client.rest).to(eq(''))
    end
  end

  it 'closes when the handler says so' do
    server = serve { |request| request.respond('x', { 'connection' => 'close' }) }
    client = server.connect << get
    expect([client.response.keep_alive?, client.rest]).to eq([false, ''])
  end

  it 'takes a request byte by byte' do
    client = server.connect
    get('/slow').each_char { |byte| (client << byte) && settle }
    expect(client.response.body).to eq('/slow')
  end

  describe 'with pipelined requests' do
    # What the server writes meanwhile, at once or while it waits: each write as one String.
    def writes(&block)
      written = []
      plain = Polyphony::HTTP::Transport::Plain
      at_once = TracePoint.new(:return) do |call|
        written << call.self.instance_variable_get(:@buffers).output.dup unless call.return_value.is_a?(Array)
      end
      TracePoint.new(:call) { |call| written << [*call.binding.local_variable_get(:data)].join }.enable(target: plain.instance_method(:write)) do
        at_once.enable(target: plain.instance_method(:put), &block)
      end
      written
    end

    it 'answers in order, with one write for what came at once' do
      written = writes do
        client = server.connect << Array.new(50) { |i| get("/#{i}") }.join
        expect(Array.new(50) { client.response.body }).to eq(Array.new(50) { |i| "/#{i}" })
      end
      expect([written.size, written.first.scan('HTTP/1.1 200 OK').size]).to eq([1, 50])
    end

    it 'writes sooner when there is much' do
      server = serve { |request| request.respond('x' * 20_000) }
      written = writes do
        client = server.connect << (get * 20)
        20.times { client.response }
      end
      expect(written.size).to be_between(4, 7)
    end

    it 'does not let a handler that waits hold back earlier answers' do
      gate = Polyphony::Event.new
      server = serve do |request|
        gate.wait if request.path == '/3'
        request.respond(request.path)
      end
      client = server.connect << get('/1') << get('/2') << get('/3') << get('/4')
      expect([client.response.body, client.response.body]).to eq(%w[/1 /2])
      gate.set
      expect([client.response.body, client.response.body]).to eq(%w[/3 /4])
    end

    it 'keeps the bodies apart' do
      server = serve { |request| request.respond("#{request.path}:#{request.path == '/2' ? '' : request.read}") }
      client = server.connect
      client << Array.new(4) { |i| "POST /#{i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n<#{i}>" }.join
      client << "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n#{get('/last')}"
      expect(Array.new(6) { client.response.body }).to eq(['/0:<0>', '/1:<1>', '/2:', '/3:<3>', '/c:abc', '/last:'])
    end

    it 'goes no further after the last answer' do
      seen = []
      server = serve { |request| (seen << request.path) && request.respond(request.path) }
      client = server.connect << get('/1') << get('/2', connection: 'close') << get('/3')
      expect([client.response.body, client.response.body, client.rest, seen]).to eq(['/1', '/2', '', %w[/1 /2]])
    end

    it 'lets the last answer arrive, however much comes behind it' do
      client = server.connect
      begin
        client << get('/1', connection: 'close') << (get('/2') * 10_000)
      rescue Errno::EPIPE, Errno::ECONNRESET
        nil
      end
      expect([client.response.body, client.rest]).to eq(['/1', ''])
    end

    it 'answers in pieces, one after the other' do
      server = serve { |request| 3.times { |i| request << "#{request.path}#{i}" } }
      client = server.connect << get('/a') << get('/b')
      expect(Array.new(2) { client.response.chunks }).to eq([%w[/a0 /a1 /a2], %w[/b0 /b1 /b2]])
    end

    it 'answers what came before the client ended' do
      client = server.connect << get('/1') << get('/2')
      client.finish
      expect([client.response.body, client.response.body, client.rest]).to eq(['/1', '/2', ''])
    end
  end

  it 'serves many at once, each by itself' do
    gate = Polyphony::Event.new
    server = serve do |request|
      gate.wait if request.path == '/wait'
      request.respond(request.path)
    end
    waiting = Array.new(50) { server.connect << get('/wait') }
    expect(Array.new(50) { server.get('/go').body }).to eq(['/go'] * 50)
    gate.set
    expect(waiting.map { |client| client.response.body }).to eq(['/wait'] * 50)
  end

  it 'is gone when its client is, whatever it was doing' do
    ended = []
    server = serve do |request|
      request.path == '/stream' ? loop { request << ('x' * 1000) && sleep(0.001) } : request.respond(request.path)
    ensure
      ended << request.path
    end
    [-> {}, ->(c) { c << 'GET' }, ->(c) { c << get }, ->(c) { c << get('/stream') && c.read_until('xxx') }].each do |stage|
      %i[close reset].each do |how|
        client = server.connect
        stage.arity.zero? ? stage.call : stage.call(client)
        client.public_send(how)
        settle
      end
    end
    wait_until { server.server.connections.zero? }
    expect(ended.sort).to eq(['/', '/', '/stream', '/stream']).or eq(['/', '/stream', '/stream'])
    expect(server.get('/still').body).to eq('/still')
    expect(server.log).not_to match(/Error|from /)
  end

  it 'leaves no connection, fiber or descriptor behind' do
    server.get
    wait_until { server.server.connections.zero? }
    before = Dir.children('/proc/self/fd').size
    50.times { server.get }
    wait_until { server.server.connections.zero? }
    expect(Dir.children('/proc/self/fd').size).to be <= before + 1
  end
end
