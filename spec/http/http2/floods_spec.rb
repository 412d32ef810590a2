# frozen_string_literal: true

require_relative '../../support/http2_server'

# Who sends more than anybody needs, or makes the server do so. The server has a process of its own, so that its
# memory can be seen.
RSpec.describe 'HTTP/2: a flood', timeout: 90 do
  let(:handler) do
    <<~RUBY
      case request.path
      when '/read' then request.respond(request.read.bytesize.to_s)
      when '/wait' then sleep
      when '/large' then request.respond('x' * 100_000)
      when '/endless' then loop { request << 'x' * 16_384 }
      when '/fibers' then request.respond(Polyphony.stats[:fibers].to_s)
      else request.respond('hello')
      end
    RUBY
  end
  let(:server) { serve_in_child(handler, options: 'write_timeout: 300, idle_timeout: 300') }

  # @return [String] what another client gets
  def fetch_by_h2
    client = h2(server)
    client.get.body
  ensure
    client&.close
  end

  # The memory of the server after the block has run, in KB above what it was before. Others are served, also
  # while it runs.
  def growth
    3.times { fetch(server) && fetch_by_h2 }
    before = server.memory
    yield
    expect([fetch(server).body, fetch_by_h2]).to eq(%w[hello hello])
    server.memory - before
  end

  # Floods a connection; the server ends it, and says why.
  def expect_calm(client, *codes, grown: 12_000, log: /^polyphony: 127\.0\.0\.1:\d+: /, **options, &block)
    lines = server.log.lines.size
    outcome = code = nil
    size = growth do
      outcome = client.flood(**options, &block)
      code = begin
        client.connection_error
      rescue HTTP2Wire::Closed, HTTP2Wire::Violation
        client.goaway&.code
      end
    end
    figure("#{outcome}, #{code}; the server grew by #{size} KB; it said: #{server.log.lines[lines..].first&.chomp}")
    expect(codes.empty? ? %i[ENHANCE_YOUR_CALM] : codes).to include(code)
    expect(size).to be < grown
    eventually { server.log.lines.size > lines }
    expect(server.log.lines[lines..].join).to match(log)
  end

  # Bytes of +count+ times what the block makes of the next stream.
  def each_stream(client, count)
    Array.new(count) do
      stream = client.new_stream
      client.streams[stream] = HTTP2Wire::Exchange.new('GET')
      yield stream
    end.join.b
  end

  def request(client, path = '/', method: 'GET') = HTTP2Hpack.encode(client.head(method, path))
  def headers(stream, block, flags = 5) = HTTP2Wire.frame(:HEADERS, flags, stream, block)
  def reset(stream) = HTTP2Wire.frame(:RST_STREAM, 0, stream, [8].pack('N'))

  {
    'pings' => HTTP2Wire.frame(:PING, 0, 0, '12345678') * 500,
    'settings' => HTTP2Wire.frame(:SETTINGS, 0, 0, [4, 65_535].pack('nN')) * 500,
    'empty settings' => HTTP2Wire.frame(:SETTINGS, 0, 0) * 500,
    'priorities' => (1..500).map { |i| HTTP2Wire.frame(:PRIORITY, 0, (i * 2) + 1, [0, 15].pack('NC')) }.join,
    'window updates' => HTTP2Wire.frame(:WINDOW_UPDATE, 0, 0, [1].pack('N')) * 500,
    'frames of unknown types' => HTTP2Wire.frame(0x16, 0, 0, 'x') * 500,
    'answers to pings that were not sent' => HTTP2Wire.frame(:PING, 1, 0, '12345678') * 500
  }.each do |title, bytes|
    it "of #{title} is ENHANCE_YOUR_CALM" do
      expect_calm(h2(server)) { bytes }
    end
  end

  it 'of pings whose answers nobody reads is ENHANCE_YOUR_CALM, or is not read any more' do
    client = h2(server)
    outcome = nil
    grown = growth { outcome = client.flood(HTTP2Wire.frame(:PING, 0, 0, '12345678') * 500, read: false) }
    figure("#{outcome}; the server grew by #{grown} KB")
    expect(outcome).to eq(:cut).or eq(:held)
    expect(grown).to be < 12_000
  end

  it 'of requests whose answers nobody reads is held: no more are read than can be answered' do
    client = h2(server)
    outcome = nil
    head = request(client, '/', method: 'HEAD')
    grown = growth { outcome = client.flood(read: false, limit: 64 << 20) { each_stream(client, 1000) { |stream| headers(stream, head) } } }
    figure("#{outcome}; the server grew by #{grown} KB")
    expect(outcome).to eq(:cut).or eq(:held)
    expect(grown).to be < 16_000
  end

  it 'of requests that are reset at once (CVE-2023-44487) is ENHANCE_YOUR_CALM' do
    client = h2(server)
    head = request(client, '/wait')
    expect_calm(client) { each_stream(client, 200) { |stream| headers(stream, head) + reset(stream) } }
    eventually { fetch(server, '/fibers').body.to_i < 20 }
  end

  it 'of requests that are reset at once, in several connections one after another, leaves nothing behind' do
    sizes = Array.new(4) do
      5.times do
        client = h2(server)
        head = request(client, '/wait')
        client.flood(limit: 4 << 20) { each_stream(client, 200) { |stream| headers(stream, head) + reset(stream) } }
        client.close
      end
      expect(fetch(server).body).to eq('hello')
      server.memory
    end
    eventually { fetch(server, '/fibers').body.to_i < 20 }
    figure("memory after each 5: #{sizes.join(', ')} KB")
    expect(sizes.last - sizes[1]).to be < 6_000
  end

  # The server resets the stream, and not the client: the request goes on, or did so.
  {
    'by windows of nothing' => [->(stream, head) { HTTP2Wire.frame(:HEADERS, 5, stream, head) + HTTP2Wire.frame(:WINDOW_UPDATE, 0, stream, [0].pack('N')) }, :PROTOCOL_ERROR],
    'by windows that are too large' => ->(stream, head) { HTTP2Wire.frame(:HEADERS, 5, stream, head) + (HTTP2Wire.frame(:WINDOW_UPDATE, 0, stream, [0x7fffffff].pack('N')) * 2) },
    'by bodies that are too long' => ->(stream, head) { HTTP2Wire.frame(:HEADERS, 4, stream, head + HTTP2Hpack.literal('content-length', '1')) + HTTP2Wire.frame(:DATA, 1, stream, 'xx') },
    'by fields that are none' => ->(stream, head) { HTTP2Wire.frame(:HEADERS, 5, stream, head + HTTP2Hpack.literal('X', 'v')) },
    'by headers without a field' => ->(stream, _) { HTTP2Wire.frame(:HEADERS, 5, stream) },
    'by data behind the end' => [->(stream, head) { HTTP2Wire.frame(:HEADERS, 5, stream, head) + HTTP2Wire.frame(:DATA, 1, stream, 'x') }, :STREAM_CLOSED],
    'by priorities that are none' => [->(stream, head) { HTTP2Wire.frame(:HEADERS, 5, stream, head) + HTTP2Wire.frame(:PRIORITY, 0, stream, [stream, 0].pack('NC')) }, :PROTOCOL_ERROR]
  }.each do |title, (bytes, alone)|
    it "of requests that the server is made to reset (CVE-2025-8671), #{title}, ends the connection" do
      client = h2(server)
      head = request(client, '/wait')
      code = nil
      provoked = 0
      grown = growth do
        100.times do # a few at a time: more than `streams` would be an error of another kind
          client << each_stream(client, 40) { |stream| bytes.call(stream, head) }
          provoked += 40
          client.sync
        end
      rescue HTTP2Wire::Closed
        code = client.goaway&.code
      end
      figure("#{code} after #{provoked}; the server grew by #{grown} KB; it said: #{server.log.lines.last.chomp}")
      expect(code).to eq(alone || :ENHANCE_YOUR_CALM)
      expect(grown).to be < 12_000
      eventually { fetch(server, '/fibers').body.to_i < 20 }
    end
  end

  {
    'with fields' => HTTP2Hpack.literal('x', 'v' * 500) * 30, 'with nothing in them' => '', 'with one byte each' => :bytes,
    'that make the table go round' => HTTP2Hpack.literal('x', 'v' * 500, as: :indexing) * 30
  }.each do |title, block|
    it "of CONTINUATION (CVE-2024-27316), #{title}, ends the connection before it is stored" do
      client = h2(server)
      client.headers(1, client.head, end_headers: false)
      bytes = block == :bytes ? HTTP2Hpack.literal('x', 'v' * 100).each_char.map { |byte| HTTP2Wire.frame(:CONTINUATION, 0, 1, byte) }.join : HTTP2Wire.frame(:CONTINUATION, 0, 1, block)
      expect_calm(client, :ENHANCE_YOUR_CALM, :PROTOCOL_ERROR, :COMPRESSION_ERROR, :INTERNAL_ERROR) { bytes * (bytes.bytesize > 1000 ? 1 : 200) }
    end
  end

  it 'of DATA without data is ENHANCE_YOUR_CALM' do
    client = h2(server)
    stream = client.send_request('POST', '/read', finish: false)
    expect_calm(client) { HTTP2Wire.frame(:DATA, 0, stream) * 500 }
  end

  it 'of DATA that is padding only is ENHANCE_YOUR_CALM, or costs no memory' do
    client = h2(server)
    stream = client.send_request('POST', '/read', finish: false)
    outcome = nil
    grown = growth { outcome = client.flood(HTTP2Wire.frame(:DATA, 8, stream, "\0".b) * 500, limit: 4 << 20) }
    figure("#{outcome}; the server grew by #{grown} KB")
    expect(grown).to be < 12_000
  end

  it 'of HPACK bombs is refused, and nothing of them is stored' do
    client = h2(server)
    client.headers(client.new_stream, HTTP2Hpack.encode(client.head) + HTTP2Hpack.literal('x-bomb', 'v' * 3900, as: :indexing))
    client.sync
    bomb = HTTP2Hpack.encode(client.head) + (HTTP2Hpack.indexed(62) * 15_000) # 58 MB each
    grown = growth { client.flood(limit: 1 << 20) { each_stream(client, 1) { |stream| headers(stream, bomb) } } }
    figure("the server grew by #{grown} KB")
    expect(grown).to be < 12_000
  end

  it 'of fields that make the table go round is served, and nothing of it stays' do
    client = h2(server)
    sizes = Array.new(3) do |round|
      1000.times do |i|
        block = HTTP2Hpack.encode(client.head) + Array.new(4) { |j| HTTP2Hpack.literal("x-#{round}-#{i}-#{j}", 'v' * 900, as: :indexing) }.join
        stream = client.new_stream
        client.headers(stream, block)
        expect(client.response(stream).status).to eq(200)
      end
      server.memory
    end
    figure("memory after each 4,000 fields: #{sizes.join(', ')} KB")
    expect(sizes.last - sizes.first).to be < 6_000
  end

  it 'of bodies that nobody reads, on all streams, is no more than the windows' do
    client = h2(server)
    most = client.server_settings[3]
    window = client.window(1)
    grown = growth do
      most.times do
        stream = client.send_request('POST', '/wait', finish: false)
        while client.window(stream).positive?
          client.take until client.window(0).positive?
          client.data(stream, 'x' * [16_384, client.window(stream), client.window(0)].min)
        end
      end
      client.sync
    end
    figure("#{most} streams with windows of #{window >> 10} KB; the server grew by #{grown} KB")
    expect(grown).to be < (most * window / 1024 * 2) + 16_000
  end

  it 'of windows that stay shut, on all streams of 20 connections, keeps no more than a piece of each answer' do
    grown = growth do
      20.times do
        client = h2(server, settings: { INITIAL_WINDOW_SIZE: 0 })
        streams = Array.new([client.server_settings[3], 100].min) { client.send_request('GET', '/endless') }
        streams.each { |stream| client.header_of(stream) }
      end
    end
    figure("2,000 answers without end wait; the server grew by #{grown} KB: #{grown / 2000} KB each")
    expect(grown).to be < 2000 * 150
  end

  it 'of bytes one at a time is served, and others as well' do
    client = h2(server, settings: { INITIAL_WINDOW_SIZE: 1 }, window: :held)
    stream = client.send_request('GET', '/large')
    client.header_of(stream)
    grown = growth do
      500.times do |i|
        client.window_update(stream, 1)
        client.body_of(stream, i + 2)
        fetch(server) if (i % 50).zero?
      end
    end
    expect(client.streams[stream].body.size).to be >= 501
    figure("the server grew by #{grown} KB")
    expect(grown).to be < 12_000
  end

  it 'of settings that change the windows of many streams is ENHANCE_YOUR_CALM' do
    client = h2(server)
    Array.new([client.server_settings[3], 100].min - 1) { client.send_request('GET', '/wait') }
    i = 0
    expect_calm(client) { Array.new(100) { HTTP2Wire.frame(:SETTINGS, 0, 0, [4, 60_000 + (i += 1) % 1000].pack('nN')) }.join }
  end

  it 'is not what a browser does: 200 requests, each second one cancelled, with pings and window updates' do
    client = h2(server)
    200.times do |i|
      stream = client.send_request('GET', i.odd? ? '/wait' : '/large')
      client.ping(i.to_s.rjust(8)) if (i % 10).zero?
      client.priority(stream, 0, 10)
      i.odd? ? client.rst_stream(stream) : client.response(stream)
    end
    expect(client.sync.get.body).to eq('hello')
    expect(client.goaway).to be_nil
  end

  it 'is not what a download does: 50 MB with a window update for each frame' do
    child = serve_in_child("request.respond(request.path == '/' ? 'hello' : 'x' * (50 << 20))")
    client = h2(child)
    expect(client.get('/50').body.size).to eq(50 << 20)
    expect(client.get.body).to eq('hello')
  end

  it 'is not what an upload of small pieces does: 20,000 frames of 100 bytes' do
    client = h2(server)
    stream = client.send_request('POST', '/read', finish: false)
    20_000.times do
      client.take until client.window(stream) > 100 && client.window(0) > 100
      client.data(stream, 'x' * 100)
    end
    client.data(stream, '', end_stream: true)
    expect(client.response(stream).body).to eq('2000000')
  end
end
