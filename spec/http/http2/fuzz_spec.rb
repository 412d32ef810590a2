# frozen_string_literal: true

require_relative '../../support/http2_server'

# Connections that went wrong somewhere: whatever comes, the server says so or goes on, and serves others.
RSpec.describe 'HTTP/2: rubbish', timeout: 120 do
  # @return [Array<String>] the frames of a connection in good order
  def session
    client = HTTP2Hpack
    head = client.encode([[':method', 'POST'], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/read']])
    get = client.encode([[':method', 'GET'], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/']])
    [HTTP2Wire::PREFACE.b, HTTP2Wire.frame(:SETTINGS, 0, 0, [4, 65_535].pack('nN')), HTTP2Wire.frame(:HEADERS, 4, 1, head), HTTP2Wire.frame(:DATA, 0, 1, 'hello'), HTTP2Wire.frame(:PING, 0, 0, '12345678'),
     HTTP2Wire.frame(:HEADERS, 5, 3, get + client.literal('x-new', 'value', as: :indexing, huffman: true)), HTTP2Wire.frame(:DATA, 9, 1, "\5world\0\0\0\0\0"), HTTP2Wire.frame(:SETTINGS, 1, 0),
     HTTP2Wire.frame(:HEADERS, 1, 5, get), HTTP2Wire.frame(:CONTINUATION, 4, 5, client.indexed(62)), HTTP2Wire.frame(:WINDOW_UPDATE, 0, 0, [100].pack('N')), HTTP2Wire.frame(:WINDOW_UPDATE, 0, 5, [100].pack('N')),
     HTTP2Wire.frame(:PRIORITY, 0, 5, [3, 7].pack('NC')), HTTP2Wire.frame(:HEADERS, 4, 7, head), HTTP2Wire.frame(:RST_STREAM, 0, 7, [8].pack('N')), HTTP2Wire.frame(:HEADERS, 37, 9, [0, 255].pack('NC') + get),
     HTTP2Wire.frame(:HEADERS, 4, 11, head), HTTP2Wire.frame(:DATA, 0, 11, 'x' * 300), HTTP2Wire.frame(:HEADERS, 5, 11, client.literal('x-sum', '1')), HTTP2Wire.frame(:GOAWAY, 0, 0, [0, 0].pack('NN'))]
  end

  def spoilt(frames, random)
    case random.rand(8)
    when 0 then return frames.shuffle(random: random).join
    when 1 then return [frames.first, *Array.new(20) { HTTP2Wire.frame(random.rand(12), random.rand(256), random.rand(6), random.bytes(random.rand(30))) }].join
    when 2 then return (frames.first(2 + random.rand(frames.size)) + [HTTP2Wire.frame(random.rand(10), random.rand(256), random.rand(14), random.bytes(random.rand(20)))] + frames).join
    when 3 then return frames.reject.with_index { |_, i| i > 1 && random.rand(4).zero? }.join
    end
    bytes = frames.join
    (1 + random.rand(4)).times do
      at = 24 + random.rand(bytes.bytesize - 24)
      case random.rand(4)
      when 0, 1 then bytes.setbyte(at, random.rand(256))
      when 2 then bytes = bytes.byteslice(0, at) + random.bytes(random.rand(10)) + bytes.byteslice(at..)
      when 3 then bytes = bytes.byteslice(0, at) + bytes.byteslice([at + random.rand(20), bytes.bytesize].min..)
      end
    end
    bytes
  end

  it 'of 1,000 kinds neither ends the server nor its memory' do
    server = serve_in_child("request.respond(request.path == '/read' ? request.read : 'hello')")
    random = Random.new(RSpec.configuration.seed)
    expect([fetch(server).body, h2(server).get.body]).to eq(%w[hello hello])
    sizes = Array.new(5) do
      200.times do
        bytes = spoilt(session, random)
        client = h2(server, start: false)
        client << bytes
        client.io.close_write
        client.read_to_end
        client.close
      rescue SystemCallError => e
        raise "#{e.message} after #{@last.inspect}\n#{server.log[-3000..] || server.log}"
      ensure
        @last = bytes
      end
      expect([fetch(server).body, h2(server).get.body]).to eq(%w[hello hello])
      server.memory
    end
    figure("memory after each 200: #{sizes.join(', ')} KB")
    expect(sizes.last - sizes[1]).to be < 8_000
    expect(server.log).to be_valid_encoding.and be_ascii_only
    expect(server.log.lines.drop(1).grep_v(/^polyphony: 127\.0\.0\.1:\d+: /)).to eq([])
  end
end
