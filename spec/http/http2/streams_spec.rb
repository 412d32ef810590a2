# frozen_string_literal: true

require_relative '../../support/http2_server'

# RFC 9113, sections 5.1 to 5.3.
HTTP2Server.describe 'HTTP/2: streams' do
  describe 'a stream that is idle (5.1)' do
    {
      DATA: ->(client, stream) { client.data(stream, 'x', end_stream: true) }, RST_STREAM: ->(client, stream) { client.rst_stream(stream) },
      WINDOW_UPDATE: ->(client, stream) { client.window_update(stream, 100) }, CONTINUATION: ->(client, stream) { client.continuation(stream, client.head) }
    }.each do |type, send|
      it "takes no #{type}" do
        client = h2
        send.call(client, client.new_stream)
        expect_connection_error(client, :PROTOCOL_ERROR)
      end
    end

    it 'takes PRIORITY' do
      client = h2
      client.priority(1, 0, 256)
      client.priority(3, 1, 1)
      expect_alive(client)
    end
  end

  describe 'a stream that is half-closed by the client (5.1)' do
    it 'takes no DATA' do
      client, stream = half_closed
      client.data(stream, 'x', end_stream: true)
      expect_error(client, stream, :STREAM_CLOSED)
    end

    it 'takes no HEADERS' do
      client, stream = half_closed
      client.headers(stream, client.head)
      expect_error(client, stream, :STREAM_CLOSED)
    end

    it 'takes no CONTINUATION' do
      client, stream = half_closed
      client.continuation(stream, [%w[a b]])
      expect_connection_error(client, :PROTOCOL_ERROR, :STREAM_CLOSED)
    end

    it 'takes WINDOW_UPDATE, and sends what there is' do
      client, stream = half_closed
      client.window_update(stream, 100_000)
      expect(client.response(stream).body).not_to be_empty
      expect_alive(client)
    end

    it 'takes PRIORITY' do
      client, stream = half_closed
      client.priority(stream, 0, 1)
      client.sync
      client.window_update(stream, 100_000)
      expect(client.response(stream)).to be_answered
    end

    it 'takes RST_STREAM, and is over' do
      client, stream = half_closed
      client.rst_stream(stream)
      client.window_update(stream, 100_000)
      expect_alive(client)
      expect(client.streams[stream]).not_to be_over
    end
  end

  describe 'a stream that the client has reset (5.1)' do
    it 'takes no DATA' do
      client, stream = opened
      client.rst_stream(stream)
      client.data(stream, 'x', end_stream: true)
      expect_error(client, stream, :STREAM_CLOSED)
    end

    it 'takes no HEADERS' do
      client, stream = opened
      client.rst_stream(stream)
      client.headers(stream, client.head)
      expect_error(client, stream, :STREAM_CLOSED)
    end

    it 'takes no CONTINUATION' do
      client, stream = opened
      client.rst_stream(stream)
      client.continuation(stream, [%w[a b]])
      expect_connection_error(client, :STREAM_CLOSED, :PROTOCOL_ERROR)
    end

    it 'takes PRIORITY, WINDOW_UPDATE and another RST_STREAM' do
      client, stream = opened
      client.rst_stream(stream)
      client.priority(stream, 0, 1)
      client.window_update(stream, 1)
      client.rst_stream(stream)
      expect_alive(client)
    end
  end

  describe 'a stream that is over (5.1)' do
    it 'takes no DATA' do
      client, stream = answered
      client.data(stream, 'x', end_stream: true)
      expect_error(client, stream, :STREAM_CLOSED)
    end

    it 'takes no HEADERS' do
      client, stream = answered
      client.headers(stream, client.head)
      expect_error(client, stream, :STREAM_CLOSED)
    end

    it 'takes no CONTINUATION' do
      client, stream = answered
      client.continuation(stream, [%w[a b]])
      expect_connection_error(client, :STREAM_CLOSED, :PROTOCOL_ERROR)
    end

    it 'takes PRIORITY, WINDOW_UPDATE and RST_STREAM' do
      client, stream = answered
      client.priority(stream, 0, 1)
      client.window_update(stream, 1)
      client.rst_stream(stream)
      expect_alive(client)
    end
  end

  describe 'identifiers (5.1.1)' do
    it 'that are even are not for clients' do
      client = h2
      client.headers(2, client.head)
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'grow: one that is lower than an earlier one, and was never used, is closed' do
      client = h2
      client.headers(5, client.head)
      client.response(5)
      client.headers(3, client.head)
      expect_connection_error(client, :PROTOCOL_ERROR, :STREAM_CLOSED)
    end

    it 'grow, also where the earlier stream is still open' do
      client = h2
      client.headers(5, client.head('POST'), end_stream: false)
      client.headers(3, client.head('POST'), end_stream: false)
      expect_connection_error(client, :PROTOCOL_ERROR, :STREAM_CLOSED)
    end

    it 'grow, also where the block of the lower one has several frames' do
      client = h2
      client.headers(5, client.head('POST'), end_stream: false)
      client.headers(3, client.head('POST'), end_stream: false, pieces: 3)
      expect_connection_error(client, :PROTOCOL_ERROR, :STREAM_CLOSED)
    end

    it 'may leave some out, which are closed then' do
      client = h2
      [1, 7, 21, 0x7ffffffd].each do |stream|
        client.headers(stream, client.head)
        expect(client.response(stream).status).to eq(200)
      end
      client.window_update(5, 100)
      client.rst_stream(5)
      expect(client.sync.goaway).to be_nil
    end

    it 'up to the last, 2^31 - 1, are good' do
      client = h2
      client.headers(0x7fffffff, client.head)
      expect(client.response(0x7fffffff).status).to eq(200)
    end
  end

  describe 'more streams than SETTINGS_MAX_CONCURRENT_STREAMS (5.1.2)' do
    it 'are refused, and those that are open go on' do
      client = h2
      most = client.server_settings[3]
      expect(most).to be_between(1, 10_000)
      open = Array.new(most) { client.send_request('POST', '/', finish: false) }
      refused = client.send_request
      client.take until client.goaway || client.streams[refused].reset
      next expect_connection_error(client, :PROTOCOL_ERROR, :ENHANCE_YOUR_CALM) if client.goaway # who has acknowledged the limit should know

      expect(client.streams[refused].reset).to eq(:REFUSED_STREAM)
      open.each { |stream| client.data(stream, '', end_stream: true) }
      expect(open.map { |stream| client.response(stream).status }.uniq).to eq([200])
      expect_alive(client)
    end

    it 'as many as there may be are served at once' do
      client = h2
      most = [client.server_settings[3], 1000].min
      open = Array.new(most) { client.send_request('POST', '/', finish: false) }
      open.reverse_each { |stream| client.data(stream, 'x', end_stream: true) }
      expect(open.map { |stream| client.response(stream).status }.uniq).to eq([200])
      expect_alive(client)
    end
  end

  describe 'priorities (5.3, which RFC 9113 deprecates)' do
    it 'of a stream that depends upon itself are an error: HEADERS' do
      client = h2
      client.headers(1, client.head, priority: [1, 256, false])
      expect_error(client, 1, :PROTOCOL_ERROR)
    end

    it 'of a stream that depends upon itself are an error: PRIORITY' do
      client = h2
      client.priority(1, 1, 256)
      client.streams[1] = HTTP2Wire::Exchange.new
      expect_error(client, 1, :PROTOCOL_ERROR)
    end

    it 'may be given in any way else' do
      client = h2
      client.headers(1, client.head, priority: [0, 256, true])
      client.headers(3, client.head, priority: [1, 1, false])
      client.priority(5, 3, 16)
      client.priority(3, 5, 16, exclusive: true)
      client.priority(99, 97, 16)
      client.headers(5, client.head, priority: [1001, 100, true])
      expect([1, 3, 5].map { |stream| client.response(stream).status }).to eq([200] * 3)
      expect_alive(h2)
    end

    it 'before a lower stream is used do not use it up' do
      client = h2
      client.priority(7, 0, 16)
      client.headers(5, client.head)
      expect(client.response(5).status).to eq(200)
    end
  end
end
