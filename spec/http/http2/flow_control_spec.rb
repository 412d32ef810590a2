# frozen_string_literal: true

require_relative '../../support/http2_server'

# Windows follow the pace of the handler, and that of the client: nothing is gathered in between.
RSpec.describe 'HTTP/2: flow control', :fibers do
  # Sends as much as the windows allow. @return [Integer] bytes
  def fill(client, stream)
    size = 0
    while (piece = [16_384, client.window(stream), client.window(0)].min).positive?
      client.data(stream, 'x' * piece)
      size += piece
    end
    size
  end

  describe 'of what the client sends' do
    it 'opens the window of a stream as its handler reads, and not before' do
      gate = Polyphony::Channel.new
      server = serve do |request|
        request.respond(gate.each.sum { |size| request.body.read(size).bytesize }.to_s)
      end
      client = h2(server)
      stream = client.send_request('POST', '/', finish: false)
      initial = client.window(stream)
      expect(initial).to be_between(16_384, 16 << 20)
      sent = initial
      client.data(stream, 'x' * [16_384, client.window(stream)].min) while client.window(stream).positive?
      client.sync
      expect(client.window(stream)).to eq(0)
      gate.send(initial)
      client.take until client.window(stream) >= initial / 2
      while sent < 8 * initial
        client.take until client.window(stream).positive?
        client.data(stream, 'x' * (size = [16_384, client.window(stream), client.window(0)].min)) if client.window(0).positive?
        client.take unless client.window(0).positive?
        sent += size.to_i
        gate.send(size) if size
        size = nil
      end
      client.data(stream, '', end_stream: true)
      gate.close
      client.take until client.streams[stream].over?
      expect(client.streams[stream].body).to eq(sent.to_s)
    end

    it 'lets others send while some handlers do not read' do
      gate = Polyphony::Event.new
      server = serve do |request|
        gate.wait if request.path == '/slow'
        request.respond(request.read.bytesize.to_s)
      end
      client = h2(server)
      slow = Array.new(3) { client.send_request('POST', '/slow', finish: false) }
      sent = slow.to_h { |stream| [stream, fill(client, stream)] }
      expect(client.request('POST', '/', body: 'x' * 2_000_000).body).to eq('2000000')
      slow.each { |stream| client.data(stream, '', end_stream: true) }
      gate.set
      slow.each { |stream| expect(client.response(stream).body).to eq(sent[stream].to_s) }
    end

    it 'holds all that send when the handlers of a connection leave body_window unread, and what needs no window goes on' do
      gate = Polyphony::Event.new
      server = serve(body_window: 200_000, stream_window: 70_000) do |request|
        gate.wait if request.path == '/slow'
        request.respond(request.read.bytesize.to_s)
      end
      client = h2(server)
      expect(client.sync.window(0)).to eq(200_000)
      slow = Array.new(4) { client.send_request('POST', '/slow', finish: false) }
      sent = slow.to_h { |stream| [stream, fill(client, stream)] }
      client.sync
      expect([client.window(0), sent.values.sum]).to eq([0, 200_000])
      expect(client.get.body).to eq('0')
      expect(h2(server).request('POST', '/', body: 'x' * 500_000).body).to eq('500000') # another connection
      gate.set
      slow.each { |stream| client.upload(stream, 'x' * 100_000) }
      slow.each { |stream| expect(client.response(stream).body).to eq((sent[stream] + 100_000).to_s) }
    end

    it 'ends a stream that sends more than its window, or the connection: FLOW_CONTROL_ERROR' do
      gate = Polyphony::Event.new
      server = serve do |request|
        gate.wait if request.path == '/slow'
        request.respond('hello')
      end
      client = h2(server)
      stream = client.send_request('POST', '/slow', finish: false)
      client.data(stream, 'x' * [16_384, client.window(stream)].min) while client.window(stream).positive?
      client.sync
      client.data(stream, 'x')
      expect_error(client, stream, :FLOW_CONTROL_ERROR)
      gate.set
      expect(h2(server).get.status).to eq(200)
    end

    it 'ends a connection that sends more than its window: FLOW_CONTROL_ERROR' do
      server = serve { |request| request.read && request.respond }
      client = h2(server)
      initial = client.sync.window(0)
      streams = Array.new(20) { client.send_request('POST', '/', finish: false) }
      bytes = +''
      streams.cycle.with_index do |id, i| # all at once, so that no window can be opened meanwhile
        break if i * 16_384 > initial + 70_000

        bytes << HTTP2Wire.frame(:DATA, 0, id, 'x' * 16_384)
      end
      client << bytes
      expect(begin
        client.sync
        :opened_in_time
      rescue HTTP2Wire::Closed, HTTP2Wire::Violation
        client.goaway&.code
      end).to eq(:FLOW_CONTROL_ERROR).or(eq(:opened_in_time))
      expect(h2(server).get.status).to eq(200)
    end

    it 'takes 30 MB, and hands out no more than comes' do
      server = serve do |request|
        sizes = []
        request.each_chunk { |chunk| sizes << chunk.bytesize }
        request.respond([sizes.sum, sizes.max].join(' '))
      end
      client = h2(server)
      size, largest = client.request('POST', '/', body: Random.bytes(30 << 20)).body.split.map { |text| Integer(text) }
      expect([size, largest]).to match([30 << 20, be <= 1 << 20])
    end
  end

  describe 'of what the server sends' do
    it 'holds the handler while the client takes no more' do
      done = 0
      server = serve { |request| 100.times { (request << ('x' * 10_000)) && done += 1 } }
      client = h2(server, window: :held)
      stream = client.send_request
      client.header_of(stream)
      client.body_of(stream, 65_535)
      client.sync
      expect(done).to be_between(6, 40) # a window, and what is kept ready for the next
      before = done
      client.grant(300_000, stream)
      client.body_of(stream, 365_535)
      client.sync
      expect(done).to be_between(before + 20, before + 40)
      client.grant(1_000_000, stream)
      expect(client.response(stream).body).to eq('x' * 1_000_000)
    end

    it 'holds one stream, and not others' do
      server = serve { |request| request.respond('x' * (request.path == '/large' ? 1_000_000 : 100)) }
      client = h2(server, settings: { INITIAL_WINDOW_SIZE: 1000 }, window: :held)
      large = Array.new(20) { client.send_request('GET', '/large') }
      large.each { |stream| client.header_of(stream) && client.body_of(stream, 1000) }
      20.times { expect(client.get('/small').body).to eq('x' * 100) }
      client.grant(30_000_000)
      large.each { |stream| client.window_update(stream, 1_000_000) }
      expect(large.map { |stream| client.response(stream).body.size }).to eq([1_000_000] * 20)
    end

    it 'holds all of them at the window of the connection, and goes on where it stopped' do
      server = serve { |request| request.respond('x' * 20_000) }
      client = h2(server, window: :held)
      streams = Array.new(10) { client.send_request }
      received = -> { streams.sum { |stream| client.streams[stream].body.to_s.size } }
      client.take until received.call == 65_535
      client.sync
      expect(received.call).to eq(65_535)
      expect(client.request('HEAD', '/').status).to eq(200) # what needs no window
      client.grant(1)
      client.take until received.call == 65_536
      client.grant(1_000_000)
      expect(streams.map { |stream| client.response(stream).body.size }).to eq([20_000] * 10)
    end

    it 'sends large answers together, and small ones in between' do
      server = serve { |request| request.respond('x' * (request.path == '/large' ? 12_000_000 : 100)) }
      client = h2(server, record: true, settings: { INITIAL_WINDOW_SIZE: 12_000_000 }, window: :held, receive_buffer: 65_536)
      client.grant(100_000_000)
      large = Array.new(3) { client.send_request('GET', '/large') }
      large.each { |stream| client.header_of(stream) }
      small = client.send_request('GET', '/small')
      client.response(small)
      expect(large.count { |stream| client.streams[stream].over? }).to eq(0)
      large.each { |stream| client.response(stream) }
      order = client.seen.filter_map { |frame| frame.stream if frame.type == :DATA && frame.stream != small }
      expect(order.first(order.size / 2).tally.size).to eq(3) # none waits for the end of another
    end

    # Bytes that each of the streams has got.
    def got(client, streams, all)
      sizes = nil
      client.take until (sizes = streams.map { |stream| client.streams[stream].body.to_s.bytesize }).sum >= all
      sizes
    end

    it 'gives what there is to the more urgent first, and then to the others (RFC 9218)' do
      server = serve { |request| request.respond('x' * 100_000) }
      client = h2(server, settings: { INITIAL_WINDOW_SIZE: 200_000, NO_RFC7540_PRIORITIES: 1 }, window: :held)
      filler = client.send_request # takes the window of the connection
      client.header_of(filler)
      client.body_of(filler, 65_535)
      client.rst_stream(filler)
      streams = ['u=7', 'u=0', 'u=3'].map { |value| client.send_request('GET', '/', fields: [['priority', value]]) }
      streams.each { |stream| client.header_of(stream) }
      client.grant(150_000)
      expect(got(client, streams, 150_000)).to eq([0, 100_000, 50_000])
      client.grant(150_000)
      expect(got(client, streams, 300_000)).to eq([100_000] * 3)
    end

    it 'follows PRIORITY_UPDATE (RFC 9218)' do
      server = serve { |request| request.respond('x' * 100_000) }
      client = h2(server, settings: { INITIAL_WINDOW_SIZE: 200_000, NO_RFC7540_PRIORITIES: 1 }, window: :held)
      filler = client.send_request
      client.header_of(filler)
      client.body_of(filler, 65_535)
      client.rst_stream(filler)
      streams = Array.new(3) { client.send_request }
      streams.each { |stream| client.header_of(stream) }
      client.frame(0x10, 0, 0, [streams[1]].pack('N') + 'u=1')
      client.grant(100_000)
      expect(got(client, streams, 100_000)).to eq([0, 100_000, 0])
      client.grant(200_000)
      expect(got(client, streams, 300_000)).to eq([100_000] * 3)
    end

    it 'sends one answer after another where priorities of RFC 9218 ask for that, and together what is incremental' do
      [['u=3', [100_000, 50_000, 0]], ['i', [50_000, 50_000, 50_000]]].each do |priority, expected|
        server = serve { |request| request.respond('x' * 100_000) }
        client = h2(server, settings: { INITIAL_WINDOW_SIZE: 200_000, NO_RFC7540_PRIORITIES: 1 }, window: :held)
        filler = client.send_request
        client.header_of(filler)
        client.body_of(filler, 65_535)
        client.rst_stream(filler)
        streams = Array.new(3) { client.send_request('GET', '/', fields: [['priority', priority]]) }
        streams.each { |stream| client.header_of(stream) }
        client.grant(150_000)
        expect(got(client, streams, 150_000)).to match(expected.map { |size| be_within(16_384).of(size) })
      end
    end

    it 'goes at one byte a time if that is all that the client gives' do
      server = serve { |request| request.respond('x' * 300) }
      client = h2(server, settings: { INITIAL_WINDOW_SIZE: 0 }, window: :held)
      stream = client.send_request
      300.times do |i|
        client.window_update(stream, 1)
        client.header_of(stream)
        client.body_of(stream, i + 1)
        expect(client.streams[stream].body.size).to eq(i + 1)
      end
      expect(client.response(stream)).to be_answered
    end

    it 'sends 30 MB, in frames as large as the client takes' do
      body = Random.bytes(30 << 20)
      server = serve { |request| request.respond(body) }
      client = h2(server, settings: { MAX_FRAME_SIZE: 100_000, INITIAL_WINDOW_SIZE: 1_000_000 })
      expect(client.get.body == body).to be(true)
    end

    it 'follows settings that change while it sends' do
      server = serve { |request| request.respond('x' * 500_000) }
      client = h2(server, settings: { INITIAL_WINDOW_SIZE: 10 }, window: :held)
      client.grant(1_000_000)
      stream = client.send_request
      client.header_of(stream)
      client.body_of(stream, 10)
      [100, 50, 70_000, 20, 65_535, 600_000].each do |size|
        client.settings({ INITIAL_WINDOW_SIZE: size })
        client.sync
      end
      expect(client.response(stream).body.size).to eq(500_000)
    end
  end

  describe 'both ways at once' do
    it 'carries 5 MB up and down in one stream' do
      server = serve { |request| request.each_chunk { |chunk| request << chunk } }
      client = h2(server)
      body = Random.bytes(5 << 20)
      stream = client.send_request('POST', '/', body: body)
      expect(client.response(stream).body == body).to be(true)
    end

    it 'carries twenty of them' do
      server = serve { |request| request.respond(request.read) }
      client = h2(server)
      bodies = Array.new(20) { Random.bytes(100_000) }
      streams = bodies.map { |body| client.send_request('POST', '/', body: body) }
      expect(streams.map { |stream| client.response(stream).body } == bodies).to be(true)
    end
  end
end
