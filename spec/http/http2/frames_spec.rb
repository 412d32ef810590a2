# frozen_string_literal: true

require_relative '../../support/http2_server'

# RFC 9113, sections 3.4 to 4.3, 5.4, 5.5 and 7.
HTTP2Server.describe 'HTTP/2: connections and frames' do
  describe 'the preface (3.4)' do
    it 'is answered by SETTINGS, which come first, and by an acknowledgement of ours' do
      client = h2(start: false, record: true)
      client.begin_connection
      client.sync
      expect(client.seen.first.then { |frame| [frame.type, frame.flags, frame.stream] }).to eq([:SETTINGS, 0, 0])
      expect(client.seen.count { |frame| frame.type == :SETTINGS && frame.flags == 1 }).to eq(1)
    end

    it 'may come byte by byte, with the frames that follow' do
      client = h2(start: false)
      stream = client.new_stream
      bytes = HTTP2Wire::PREFACE + HTTP2Wire.frame(:SETTINGS, 0, 0) + HTTP2Wire.frame(:HEADERS, 5, stream, HTTP2Hpack.encode(client.head))
      client.streams[stream] = HTTP2Wire::Exchange.new('GET')
      client.instance_variable_get(:@pending_settings) << []
      bytes.each_char { |byte| client << byte }
      expect(client.response(stream).status).to eq(200)
    end

    {
      'other bytes' => "PRI * HTTP/2.0\r\n\r\nSM\r\r\r\r", 'one wrong byte' => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r ",
      'none, and a frame at once' => HTTP2Wire.frame(:SETTINGS, 0, 0) * 4, 'HTTP/3.0' => "PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n"
    }.each do |title, bytes|
      it "with #{title} ends the connection" do
        client = h2(start: false) << bytes
        expect(client.read_to_end).not_to include('hello') # and it ends
        expect(h2.get.status).to eq(200)
      end
    end

    it 'must be followed by SETTINGS' do
      client = h2(start: false) << HTTP2Wire::PREFACE
      client.ping
      expect_connection_error(client, :PROTOCOL_ERROR)
    end

    it 'must be followed by SETTINGS that are no acknowledgement' do
      client = h2(start: false) << HTTP2Wire::PREFACE
      client.frame(:SETTINGS, HTTP2Wire::ACK, 0)
      expect_connection_error(client, :PROTOCOL_ERROR)
    end
  end

  describe 'frames (4.1)' do
    it 'of unknown types are ignored, on any stream' do
      client, stream = opened
      [0, stream, 99, 100].each { |id| client.frame(0x16, 0xff, id, 'unknown') }
      client.data(stream, 'x', end_stream: true)
      expect(client.response(stream).status).to eq(200)
      expect_alive(client)
    end

    it 'with unknown flags are taken as without them' do
      client = h2
      client.frame(:PING, 0xfe, 0, '12345678')
      client.take_until { |frame| frame.type == :PING && frame.payload == '12345678' }
      client.headers(client.new_stream, client.head, flags: 0xd2)
      expect(client.response(1).status).to eq(200)
    end

    it 'are taken without their reserved bit' do
      client = h2
      client.frame(:PING, 0, 1 << 31, '12345678')
      client.take_until { |frame| frame.type == :PING && frame.flags == 1 && frame.payload == '12345678' }
      client.streams[1] = HTTP2Wire::Exchange.new('GET')
      client.frame(:HEADERS, 5, 1 | (1 << 31), HTTP2Hpack.encode(client.head))
      expect(client.response(client.new_stream).status).to eq(200)
    end
  end

  describe 'the size of frames (4.2)' do
    it 'may be 16,384' do
      client, stream = opened
      client.data(stream, 'x' * 16_384, end_stream: true)
      expect(client.response(stream).status).to eq(200)
    end

    it 'may not be more than SETTINGS_MAX_FRAME_SIZE: DATA' do
      client, stream = opened
      client.data(stream, 'x' * (client.server_settings[5] + 1), end_stream: true)
      expect_error(client, stream, :FRAME_SIZE_ERROR)
    end

    %i[HEADERS CONTINUATION PING SETTINGS].each do |type|
      it "may not be more than SETTINGS_MAX_FRAME_SIZE: #{type}" do
        client = h2
        stream = client.new_stream
        client.headers(stream, client.head, end_headers: false) if type == :CONTINUATION
        client.frame(type, type == :SETTINGS || type == :PING ? 0 : 4, type == :SETTINGS || type == :PING ? 0 : stream, "\0" * (client.server_settings[5] + 1))
        expect_connection_error(client, :FRAME_SIZE_ERROR)
      end
    end

    it 'that are unknown and too large, likewise' do
      client = h2
      client.frame(0x16, 0, 0, 'x' * (client.server_settings[5] + 1))
      expect_connection_error(client, :FRAME_SIZE_ERROR)
    end

    it 'of what the server sends is within our SETTINGS_MAX_FRAME_SIZE, which may be larger' do
      client = h2(settings: { MAX_FRAME_SIZE: 65_536 })
      expect(client.get.status).to eq(200) # the client looks at the size of each
    end
  end

  describe 'a field block (4.3)' do
    it 'that cannot be decoded is COMPRESSION_ERROR' do
      client = h2
      client.headers(client.new_stream, "\x00\x01\x0f".b)
      expect_connection_error(client, :COMPRESSION_ERROR)
    end

    it 'of a stream that is refused or reset is decoded nevertheless' do
      client, stream = opened
      client.rst_stream(stream)
      wrong = client.new_stream # refused: a field in capitals; but its entries stay
      client.headers(wrong, HTTP2Hpack.encode(client.head) + HTTP2Hpack.literal('X-Upper', 'v', as: :indexing) + HTTP2Hpack.literal('x-kept', 'v', as: :indexing))
      client.response(wrong)
      right = client.new_stream
      client.headers(right, HTTP2Hpack.encode(client.head) + HTTP2Hpack.indexed(62))
      expect(client.response(right).status).to eq(200)
    end

    {
      PRIORITY: ->(client, stream) { client.priority(stream, 0) }, PING: ->(client, _) { client.ping },
      DATA: ->(client, stream) { client.data(stream, 'x') }, SETTINGS: ->(client, _) { client.settings({ MAX_FRAME_SIZE: 16_384 }) },
      'an unknown frame': ->(client, _) { client.frame(0x16, 0, 0, 'x') }, RST_STREAM: ->(client, stream) { client.rst_stream(stream) },
      'HEADERS of another stream': ->(client, stream) { client.headers(stream + 2, client.head) },
      'CONTINUATION of another stream': ->(client, stream) { client.continuation(stream + 2, [%w[a b]]) },
      'HEADERS again': ->(client, stream) { client.headers(stream, client.head) }, WINDOW_UPDATE: ->(client, _) { client.frame(:WINDOW_UPDATE, 0, 0, "\0\0\0\1") }
    }.each do |name, send|
      it "may not be cut by #{name}" do
        client = h2
        stream = client.new_stream
        client.headers(stream, client.head, end_headers: false)
        send.call(client, stream)
        expect_connection_error(client, :PROTOCOL_ERROR)
      end
    end
  end

  describe 'errors of the connection (5.4.1)' do
    it 'are told by GOAWAY with the last stream that was looked at, and then the connection ends' do
      client, stream = answered
      client.frame(:PING, 0, 0, '123456')
      expect_connection_error(client, :FRAME_SIZE_ERROR)
      expect(client.goaway.last_stream).to eq(stream)
      expect(h2.get.status).to eq(200)
    end
  end

  describe 'extensions (5.5)' do
    it 'that are settings are ignored' do
      client = h2
      client.settings({ 0xffff => 1, 0x4d44 => 0xffffffff })
      expect_alive(client)
    end
  end

  describe 'error codes (7)' do
    it 'that are unknown mean nothing special: GOAWAY' do
      client = h2
      client.send_goaway(0xff)
      begin
        client.sync
      rescue HTTP2Wire::Closed # a connection that is of no more use
        expect(client.goaway).to be_nil.or have_attributes(code: :NO_ERROR)
      end
    end

    it 'that are unknown mean nothing special: RST_STREAM' do
      client, stream = opened
      client.rst_stream(stream, 0xff)
      expect_alive(client)
    end
  end
end
