# frozen_string_literal: true

require_relative '../../support/http2_server'

# RFC 9113, section 6: each type of frame, right and wrong.
HTTP2Server.describe 'HTTP/2: types of frames' do
  describe 'DATA (6.1)' do
    it 'is a body, in any pieces, with any padding' do
      client, stream = opened
      ['one', '', 'two', 'x' * 10_000].each_with_index { |piece, i| client.data(stream, piece, pad: [nil, 0, 1, 255][i]) }
      client.data(stream, '', end_stream: true, pad: 20)
      expect(client.response(stream).status).to eq(200)
      expect_alive(client)
    end

    it 'belongs to a stream' do
      client, = opened
      client.data(0, 'x')
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    { 'as long as the frame' => "\x05aaaa", 'longer' => "\x10a", 'and nothing else' => '' }.each do |title, payload|
      it "has no padding #{title}" do
        client, stream = opened
        client.frame(:DATA, HTTP2Wire::PADDED, stream, payload)
        expect_connection_error(client, :PROTOCOL_ERROR, *(:FRAME_SIZE_ERROR if payload.empty?))
      end
    end

    it 'that is only padding counts for the windows, which are opened again' do
      client, stream = opened
      600.times do
        client.take while client.window(stream) < 256
        client.data(stream, '', pad: 255)
      end
      client.data(stream, 'x', end_stream: true)
      expect(client.response(stream).status).to eq(200)
    end
  end

  describe 'HEADERS (6.2)' do
    it 'may have padding, a priority, or both' do
      client = h2
      [{ pad: 0 }, { pad: 255 }, { priority: [0, 16, false] }, { pad: 7, priority: [0, 256, true] }, { pad: 7, pieces: 3 }].each do |options|
        stream = client.new_stream
        client.headers(stream, client.head, **options)
        expect([options, client.response(stream).status]).to eq([options, 200])
      end
    end

    it 'belong to a stream' do
      client = h2
      client.frame(:HEADERS, 5, 0, HTTP2Hpack.encode(client.head))
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'have no padding as long as the frame' do
      client = h2
      block = HTTP2Hpack.encode(client.head)
      client.frame(:HEADERS, 5 | HTTP2Wire::PADDED, 1, [block.bytesize + 1].pack('C') + block)
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'have no room for less than a priority that they say they have' do
      client = h2
      client.frame(:HEADERS, 5 | HTTP2Wire::PRIORITY, 1, "\0\0\0")
      expect_connection_error(client, :PROTOCOL_ERROR, :FRAME_SIZE_ERROR)
    end
  end

  describe 'PRIORITY (6.3)' do
    it 'belongs to a stream' do
      client = h2
      client.priority(0, 1)
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'has 5 bytes' do
      client, stream = opened
      client.frame(:PRIORITY, 0, stream, "\0\0\0\1")
      expect_error(client, stream, :FRAME_SIZE_ERROR)
    end
  end

  describe 'RST_STREAM (6.4)' do
    it 'belongs to a stream' do
      client = h2
      client.frame(:RST_STREAM, 0, 0, "\0\0\0\x08")
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'has 4 bytes' do
      ["\0\0\0", "\0\0\0\0\0", ''].each do |payload|
        client, stream = opened
        client.frame(:RST_STREAM, 0, stream, payload)
        expect_connection_error(client, :FRAME_SIZE_ERROR)
      end
    end
  end

  describe 'SETTINGS (6.5)' do
    it 'are acknowledged, in order, also if they are empty' do
      client = h2(record: true)
      client.settings
      client.settings({ MAX_FRAME_SIZE: 20_000 })
      client.settings([[:INITIAL_WINDOW_SIZE, 1], [:INITIAL_WINDOW_SIZE, 2]])
      client.sync
      expect(client.seen.count { |frame| frame.type == :SETTINGS && frame.flags == 1 }).to eq(4)
    end

    {
      'are acknowledged without a payload' => [:FRAME_SIZE_ERROR, HTTP2Wire::ACK, 0, "\0\0\0\0\0\0"],
      'belong to the connection' => [:PROTOCOL_ERROR, 0, 1, ''],
      'have 6 bytes each: 3' => [:FRAME_SIZE_ERROR, 0, 0, "\0\3\0"], 'have 6 bytes each: 7' => [:FRAME_SIZE_ERROR, 0, 0, "\0\3\0\0\0\0\0"]
    }.each do |title, (code, flags, stream, payload)|
      it title do
        client = h2
        client.frame(:SETTINGS, flags, stream, payload)
        expect_connection_error(client, code)
      end
    end

    {
      [:ENABLE_PUSH, 2] => :PROTOCOL_ERROR, [:INITIAL_WINDOW_SIZE, 1 << 31] => :FLOW_CONTROL_ERROR, [:MAX_FRAME_SIZE, 16_383] => :PROTOCOL_ERROR,
      [:MAX_FRAME_SIZE, 16_777_216] => :PROTOCOL_ERROR, [:INITIAL_WINDOW_SIZE, 0xffffffff] => :FLOW_CONTROL_ERROR, [:MAX_FRAME_SIZE, 0] => :PROTOCOL_ERROR
    }.each do |(name, value), code|
      it "are within their limits: #{name} of #{value} is #{code} (6.5.2)" do
        client = h2
        client.settings({ name => value })
        expect_connection_error(client, code)
      end
    end

    it 'may be the largest and the smallest that there are (6.5.2)' do
      client = h2
      client.settings({ MAX_FRAME_SIZE: 16_777_215, INITIAL_WINDOW_SIZE: 0x7fffffff, ENABLE_PUSH: 0, MAX_CONCURRENT_STREAMS: 0, MAX_HEADER_LIST_SIZE: 0xffffffff, HEADER_TABLE_SIZE: 0 })
      client.settings({ MAX_FRAME_SIZE: 16_384, ENABLE_PUSH: 1, HEADER_TABLE_SIZE: 0xffffffff })
      expect(client.get.status).to eq(200)
    end

    it 'are taken in their order: the last of a name counts (6.5.3)' do
      client = h2(window: :held)
      client.settings([[:INITIAL_WINDOW_SIZE, 100], [:INITIAL_WINDOW_SIZE, 1]])
      stream = client.send_request
      client.header_of(stream)
      expect(client.body_of(stream, 1).bytesize).to eq(1)
      client.sync
      expect(client.streams[stream].body.bytesize).to eq(1)
    end
  end

  describe 'PUSH_PROMISE (6.6, 8.4)' do
    it 'is not for clients' do
      client, stream = opened
      client.frame(:PUSH_PROMISE, HTTP2Wire::END_HEADERS, stream, [2].pack('N') + HTTP2Hpack.encode(client.head))
      expect_connection_error(client, :PROTOCOL_ERROR)
    end
  end

  describe 'PING (6.7)' do
    it 'is answered by the same 8 bytes' do
      client = h2
      ['12345678', "\0" * 8, "\xff".b * 8].each { |opaque| client.sync(opaque) }
    end

    it 'that answers is not answered' do
      client = h2(record: true)
      client.ping('unwanted', ack: true)
      client.sync
      expect(client.seen.map(&:payload)).not_to include('unwanted')
    end

    it 'belongs to the connection' do
      client = h2
      client.ping(stream: 1)
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'has 8 bytes' do
      ['', '123456', '123456789'].each do |opaque|
        client = h2
        client.ping(opaque)
        expect_connection_error(client, :FRAME_SIZE_ERROR)
      end
    end
  end

  describe 'GOAWAY (6.8)' do
    it 'belongs to the connection' do
      client = h2
      client.send_goaway(stream: 1)
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'has 8 bytes at least' do
      client = h2
      client.frame(:GOAWAY, 0, 0, "\0\0\0\0")
      expect_connection_error(client, :FRAME_SIZE_ERROR)
    end

    it 'lets what is under way finish' do
      client, stream = opened
      client.send_goaway(text: 'bye')
      client.data(stream, 'x', end_stream: true)
      expect(client.response(stream).status).to eq(200)
    end
  end

  describe 'WINDOW_UPDATE (6.9)' do
    it 'of nothing is an error of the connection' do
      client = h2
      client.frame(:WINDOW_UPDATE, 0, 0, "\0\0\0\0")
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'of nothing is an error of its stream' do
      client, stream = half_closed
      client.frame(:WINDOW_UPDATE, 0, stream, "\0\0\0\0")
      expect_error(client, stream, :PROTOCOL_ERROR)
    end

    it 'has 4 bytes' do
      ["\0\0\1", "\0\0\0\0\1"].each do |payload|
        [true, false].each do |whole|
          client, stream = half_closed
          client.frame(:WINDOW_UPDATE, 0, whole ? 0 : stream, payload)
          expect_connection_error(client, :FRAME_SIZE_ERROR)
        end
      end
    end

    it 'is taken without its reserved bit' do
      client, stream = half_closed
      client.frame(:WINDOW_UPDATE, 0, stream, [100 | (1 << 31)].pack('N'))
      client.instance_variable_get(:@given)[stream] += 100
      client.take_until { |frame| frame.type == :DATA && frame.stream == stream }
      expect_alive(client)
    end
  end

  describe 'windows (6.9.1, 6.9.2)' do
    it 'of one byte get one byte at a time' do
      client = h2(settings: { INITIAL_WINDOW_SIZE: 1 })
      stream = client.send_request
      frames = []
      until client.streams[stream].over?
        frame = client.take
        next unless frame.type == :DATA && !frame.payload.empty?

        frames << frame.payload
        client.window_update(stream, 1) unless frame.end_stream?
      end
      expect(frames.first.bytesize).to eq(1)
      expect(client.streams[stream]).to be_answered
    end

    it 'of 0 get an answer without body, and end it' do
      client = h2(settings: { INITIAL_WINDOW_SIZE: 0 })
      expect(client.response(client.send_request('HEAD')).status).to eq(200)
    end

    it 'that are opened too far are an error of the connection' do
      client = h2
      2.times { client.window_update(0, 0x7fffffff) }
      expect_connection_error(client, :FLOW_CONTROL_ERROR)
    end

    it 'that are opened too far are an error of the stream' do
      client, = half_closed
      stream = client.send_request('POST', '/', finish: false)
      2.times { client.window_update(stream, 0x7fffffff) }
      expect_error(client, stream, :FLOW_CONTROL_ERROR)
    end

    it 'change with SETTINGS_INITIAL_WINDOW_SIZE, also for streams that wait' do
      client, stream = half_closed
      client.settings({ INITIAL_WINDOW_SIZE: 1 })
      client.take_until { |frame| frame.type == :DATA }
      client.settings({ INITIAL_WINDOW_SIZE: 1000 })
      expect(client.response(stream)).to be_answered
    end

    it 'may become negative, and are opened from there' do
      client = h2(settings: { INITIAL_WINDOW_SIZE: 3 }, window: :held)
      stream = client.send_request
      client.header_of(stream)
      expect(client.body_of(stream, 3).bytesize).to eq(3)
      client.settings({ INITIAL_WINDOW_SIZE: 1 })
      client.window_update(stream, 2) # the window is 0
      client.sync
      expect(client.streams[stream].body.bytesize).to eq(3)
      client.window_update(stream, 1)
      expect(client.body_of(stream, 4).bytesize).to eq(4)
      client.sync
      expect(client.streams[stream].body.bytesize).to eq(4)
      client.window_update(stream, 100)
      expect(client.response(stream)).to be_answered
    end

    it 'that overflow by SETTINGS_INITIAL_WINDOW_SIZE are an error' do
      client, = half_closed
      stream = client.send_request('POST', '/', finish: false)
      client.window_update(stream, 0x7fffffff)
      client.settings({ INITIAL_WINDOW_SIZE: 1 })
      expect_error(client, stream, :FLOW_CONTROL_ERROR)
    end
  end

  describe 'CONTINUATION (6.10)' do
    it 'goes on with the fields, any number of times, also without any' do
      client = h2
      client.headers(1, client.head, end_headers: false)
      client.continuation(1, [%w[a b]], end_headers: false)
      client.continuation(1, [], end_headers: false)
      client.continuation(1, [%w[c d]])
      expect(client.response(1).status).to eq(200)
      client.headers(3, client.head, pieces: 5)
      expect(client.response(3).status).to eq(200)
    end

    it 'belongs to a stream' do
      client = h2
      client.headers(1, client.head, end_headers: false)
      client.continuation(0, [%w[a b]])
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    {
      'HEADERS with END_HEADERS' => ->(client) { client.headers(1, client.head('POST'), end_stream: false) },
      'CONTINUATION with END_HEADERS' => lambda { |client|
        client.headers(1, client.head('POST'), end_stream: false, end_headers: false)
        client.continuation(1, [%w[a b]])
      },
      'DATA' => lambda { |client|
        client.headers(1, client.head('POST'), end_stream: false)
        client.data(1, 'x')
      }
    }.each do |title, send|
      it "does not follow #{title}" do
        client = h2
        send.call(client)
        client.continuation(1, [%w[a b]])
        expect_connection_error(client, :PROTOCOL_ERROR)
      end
    end
  end
end
