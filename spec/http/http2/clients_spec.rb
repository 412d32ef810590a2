# frozen_string_literal: true

require_relative '../../support/http2_server'

# A client that goes away, or that cancels a request, at each stage.
RSpec.describe 'HTTP/2: a client that', :fibers do
  let(:seen) { [] }
  let(:gate) { Polyphony::Event.new }

  # What a handler learns, and that it is ended properly.
  def noting(name)
    seen << name
    yield
    seen << :done
  ensure
    seen << :ensure
  end

  def handle(request)
    case request.path
    when '/' then request.respond('hello')
    when '/read' then noting(:read) { request.respond(request.read) }
    when '/pieces' then noting(:pieces) { request.each_chunk { nil } && request.respond('read') }
    when '/wait' then noting(:wait) { gate.wait && request.respond('hello') }
    when '/large' then noting(:large) { request << ('x' * (16 << 20)) }
    when '/stream' then noting(:stream) { loop { request << ('x' * 65_536) } }
    when '/events' then noting(:events) { loop { (request << "data: x\n\n") && snooze } }
    when '/child' then noting(:child) { spin { noting(:inner) { suspend } }.await }
    when '/sleeps' then noting(:sleeps) { sleep }
    end
  end

  # stage => what the client does; the path says what the handler does
  stages = {
    'while its body is awaited' => ['/read', ->(client, path) { client.send_request('POST', path, finish: false) }],
    'in its body' => ['/pieces', ->(client, path) { client.send_request('POST', path, finish: false).tap { |stream| client.data(stream, 'half') } }],
    'while the handler waits for something else' => ['/wait', ->(client, path) { client.send_request('GET', path) }],
    'while the handler sleeps' => ['/sleeps', ->(client, path) { client.send_request('GET', path) }],
    'while a fiber of the handler waits' => ['/child', ->(client, path) { client.send_request('GET', path) }],
    'in a large answer' => ['/large', ->(client, path) { client.send_request('GET', path).tap { |stream| client.header_of(stream) } }],
    'in an answer without end' => ['/stream', ->(client, path) { client.send_request('GET', path).tap { |stream| client.header_of(stream) } }],
    'in an answer of small pieces' => ['/events', ->(client, path) { client.send_request('GET', path).tap { |stream| client.header_of(stream) } }]
  }

  stages.each do |stage, (path, begins)|
    it "cancels a request #{stage} ends its fiber, and no other" do
      server = serve { |request| handle(request) }
      client = h2(server)
      stream = begins.call(client, path)
      wait_until { seen.any? }
      client.rst_stream(stream)
      wait_until { seen.include?(:ensure) && (path != '/child' || seen.count(:ensure) == 2) }
      expect(seen).not_to include(:done)
      fresh = h2(server)
      expect(fresh.get.body).to eq('hello')
      client.take_available # what was on its way
      expect(client.sync.get.body).to eq('hello') unless path == '/events'
      expect(server.log).to eq('')
    end

    { 'clear text' => 'http://127.0.0.1:0', 'TLS' => 'https://127.0.0.1:0' }.each do |transport, bind|
      %i[close reset].each do |farewell|
        it "goes away #{stage}, by #{farewell}, over #{transport}, ends all its fibers, and troubles nobody" do
          server = serve(bind: bind, **(transport == 'TLS' ? { tls: tls_options } : {})) { |request| handle(request) }
          client = h2(server)
          begins.call(client, path)
          others = Array.new(3) { client.send_request('GET', '/sleeps') }
          wait_until { seen.count(:sleeps) >= others.size }
          client.public_send(farewell)
          wait_until { server.server.connections.zero? }
          expect(seen.count(:ensure)).to eq(path == '/child' ? 5 : 4)
          expect(seen).not_to include(:done)
          expect([h2(server).get.body, server.fiber.alive?, server.log]).to eq(['hello', true, ''])
        end
      end
    end
  end

  # What a connection is in the middle of.
  {
    'before the preface' => '', 'in the preface' => HTTP2Wire::PREFACE[0, 10], 'behind the preface' => HTTP2Wire::PREFACE, 'in SETTINGS' => "#{HTTP2Wire::PREFACE}\0\0\6".b,
    'before a request' => HTTP2Wire::PREFACE.b + HTTP2Wire.frame(:SETTINGS, 0, 0), 'in the head of a frame' => HTTP2Wire::PREFACE.b + HTTP2Wire.frame(:SETTINGS, 0, 0) + "\0\0".b,
    'in HEADERS' => HTTP2Wire::PREFACE.b + HTTP2Wire.frame(:SETTINGS, 0, 0) + "\0\0\x20\1\5\0\0\0\1\x82".b,
    'before CONTINUATION' => HTTP2Wire::PREFACE.b + HTTP2Wire.frame(:SETTINGS, 0, 0) + HTTP2Wire.frame(:HEADERS, 1, 1, "\x82\x86".b)
  }.each do |stage, bytes|
    %i[close reset].each do |farewell|
      it "goes away #{stage}, by #{farewell}, leaves nothing behind" do
        server = serve { |request| handle(request) }
        client = h2(server, start: false) << bytes
        settle
        client.public_send(farewell)
        wait_until { server.server.connections.zero? }
        expect([h2(server).get.body, server.lines.grep_v(/the (header|body|preface) is incomplete|\(400\)/)]).to eq(['hello', []])
      end
    end
  end

  it 'closes its sending half only still gets its answers' do
    server = serve { |request| handle(request) }
    client = h2(server)
    streams = Array.new(3) { client.send_request('GET', '/wait') }
    wait_until { seen.size == 3 }
    client.io.close_write
    settle
    gate.set
    expect(streams.map { |stream| client.response(stream).body }).to eq(%w[hello hello hello])
  rescue HTTP2Wire::Closed
    # Both halves count as one for HTTP/2: a server may take it for gone. Then its fibers are ended.
    wait_until { server.server.connections.zero? }
    expect(seen.count(:ensure)).to eq(3)
  end

  it 'cancels in the ensure block of a handler lets that finish' do
    entered = left = false
    server = serve do |request|
      next request.respond('hello') if request.path == '/'

      begin
        suspend
      ensure
        entered = true
        gate.wait
        left = true
      end
    end
    client = h2(server)
    stream = client.send_request('GET', '/wait')
    client.sync
    client.rst_stream(stream)
    wait_until { entered }
    client.rst_stream(stream)
    client.sync
    gate.set
    wait_until { left }
    expect(client.get.body).to eq('hello')
  end

  it 'cancels what has been answered changes nothing' do
    server = serve { |request| handle(request) }
    client = h2(server)
    5.times do
      stream = client.send_request
      client.response(stream)
      client.rst_stream(stream)
    end
    expect(client.get.body).to eq('hello')
  end

  it 'cancels before the handler has begun: it never runs, or is ended' do
    server = serve { |request| handle(request) }
    client = h2(server)
    ids = Array.new(5) { client.new_stream }
    ids.each { |id| client.streams[id] = HTTP2Wire::Exchange.new('GET') }
    client << ids.map { |id| HTTP2Wire.frame(:HEADERS, 5, id, HTTP2Hpack.encode(client.head('GET', '/sleeps'))) + HTTP2Wire.frame(:RST_STREAM, 0, id, [8].pack('N')) }.join
    client.sync
    wait_until { seen.count(:sleeps) == seen.count(:ensure) }
    expect(client.get.body).to eq('hello')
  end

  it 'comes and goes 300 times in the middle of everything costs no descriptor and no fiber' do
    server = serve { |request| handle(request) }
    h2(server).tap(&:get).close
    wait_until { server.server.connections.zero? }
    count = -> { [Dir.children('/proc/self/fd').size, Polyphony.stats[:fibers]] }
    before = count.call
    begun = stages.values
    300.times do |i|
      client = HTTP2Wire::Client.open(server.address)
      path, = begun[i % begun.size]
      stream = client.send_request('POST', path, finish: false)
      client.sync if i.odd? && path != '/events'
      client.rst_stream(stream) if (i % 5).zero?
      (i % 3).zero? ? client.reset : client.close
    end
    wait_until { server.server.connections.zero? }
    descriptors, fibers = count.call
    expect([descriptors <= before[0], fibers]).to eq([true, before[1]])
    expect(seen.count(:ensure)).to eq(seen.size - seen.count(:ensure))
    expect(h2(server).get.body).to eq('hello')
  end

  it 'sends GOAWAY and closes, sooner or later, ends its connection and nothing else' do
    server = serve { |request| handle(request) }
    10.times do |pauses|
      20.times do |i|
        client = HTTP2Wire::Client.open(server.address)
        client.get if i.odd?
        client.send_goaway
        pauses.times { snooze }
        client.close
      end
    end
    wait_until { server.server.connections.zero? }
    expect([h2(server).get.body, server.fiber.alive?, server.log]).to eq(['hello', true, ''])
  end

  it 'sends GOAWAY gets what is under way, and then the connection may end' do
    server = serve { |request| handle(request) }
    client = h2(server)
    stream = client.send_request('GET', '/wait')
    wait_until { seen.any? }
    client.send_goaway
    gate.set
    expect(client.response(stream).body).to eq('hello')
    client.close
    wait_until { server.server.connections.zero? }
  end
end
