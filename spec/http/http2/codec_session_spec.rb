# frozen_string_literal: true

require 'polyphony/http/http2'
require_relative '../../support/http2_frames'
require_relative '../../support/http2_hpack'

# The codec alone: bytes in, requests out; answers in, bytes out. What it refuses, and how the server bears it, is in
# the other files of this folder.
RSpec.describe 'Polyphony::HTTP::HTTP2::Session' do
  let(:session) { codec::Session.new.tap { |session| session.feed(codec::PREFACE + HTTP2Wire.frame(:SETTINGS, 0, 0)) } }
  let(:codec) { Polyphony::HTTP::HTTP2 }
  let(:response_error) { Polyphony::HTTP::ResponseError }

  def head(method = 'GET', path = '/', **more)
    HTTP2Hpack.encode([[':method', method], [':scheme', 'http'], [':authority', 'localhost'], [':path', path], *more.map { |name, value| [name.to_s.tr('_', '-'), value] }])
  end

  def request(stream, *args, finish: true, **more) = HTTP2Wire.frame(:HEADERS, finish ? 5 : 4, stream, head(*args, **more))

  # Frames of the output as [type, flags, stream, payload]; all of it is taken.
  def frames(from = session)
    bytes = +''
    while (piece = from.output)
      bytes << piece
    end
    all = []
    until bytes.empty?
      size, low, type, flags, stream = bytes.slice!(0, 9).unpack('CnCCN')
      all << [type, flags, stream, bytes.slice!(0, (size << 16) | low)]
    end
    all
  end

  def taken(from = session)
    exchange = codec::Exchange.new(from)
    [exchange, exchange.take]
  end

  describe 'however the bytes are cut' do
    let(:bytes) do
      block = head('POST', '/long', x_long: 'y' * 200)
      codec::PREFACE.b + HTTP2Wire.frame(:SETTINGS, 0, 0) + request(1, 'GET', '/one') + HTTP2Wire.frame(:HEADERS, 0, 3, block[0, 20]) + HTTP2Wire.frame(:CONTINUATION, 0, 3, block[20, 90]) +
        HTTP2Wire.frame(:CONTINUATION, 4, 3, block[110..]) + HTTP2Wire.frame(:DATA, 0, 3, 'some ') + HTTP2Wire.frame(:PING, 0, 0, '12345678') + HTTP2Wire.frame(:DATA, 8, 3, "\4bytes\0\0\0\0") +
        HTTP2Wire.frame(:HEADERS, 5, 3, HTTP2Hpack.encode([%w[x-sum 1]])) + request(5, 'GET', '/') + HTTP2Wire.frame(:RST_STREAM, 0, 5, [8].pack('N')) + HTTP2Wire.frame(:HEADERS, 5, 2, head)
    end

    def events(pieces)
      session = codec::Session.new
      pieces.each { |piece| session.feed(piece) }
      seen = []
      exchange = codec::Exchange.new(session)
      while (request = exchange.take)
        seen << [exchange.id, request.method, request.path, request.headers, exchange.read_body, exchange.trailers]
      end
      frames(session)
      [seen, session.feed('more'), session.failure, session.complaints]
    end

    it 'the events are the same' do
      whole = events([bytes])
      expect(whole[0].map { |one| one[0, 3] + one[4, 2] }).to eq([[1, 'GET', '/one', nil, {}], [3, 'POST', '/long', 'some bytes', { 'x-sum' => '1' }]])
      expect(whole[1]).to be(false)
      expect(whole[2]).to match(['PROTOCOL_ERROR', anything])
      expect(events(bytes.chars)).to eq(whole)
      random = Random.new(1)
      100.times do
        rest = bytes.dup
        pieces = []
        pieces << rest.slice!(0, random.rand(1..60)) until rest.empty?
        expect(events(pieces)).to eq(whole)
      end
    end
  end

  describe 'a request' do
    it 'is one of HTTP/1 in other words' do
      session.feed(request(1, 'PUT', '/a?b=c', cookie: 'a=1', content_length: '3', finish: false))
      _, request = taken
      expect([request.method, request.target, request.path, request.query_string, request.version, request.authority]).to eq(['PUT', '/a?b=c', '/a', 'b=c', 'HTTP/2', 'localhost'])
      expect(request.headers).to eq('cookie' => 'a=1', 'content-length' => '3', 'host' => 'localhost')
      expect([request.body?, request.content_length, request.chunked?, request.keep_alive?, request.upgrade?, request.protocol_name]).to eq([true, 3, false, true, false, nil])
    end

    it 'knows the protocol of an extended CONNECT' do
      session.feed(HTTP2Wire.frame(:HEADERS, 4, 1, HTTP2Hpack.encode([%w[:method CONNECT], %w[:protocol websocket], %w[:scheme http], %w[:authority a], %w[:path /chat]])))
      _, request = taken
      expect([request.method, request.path, request.protocol_name, request.upgrade?]).to eq(['CONNECT', '/chat', 'websocket', true])
    end

    it 'outlives its session' do
      other = codec::Session.new
      other.feed(codec::PREFACE + HTTP2Wire.frame(:SETTINGS, 0, 0) + request(1, 'GET', '/kept'))
      exchange, kept = taken(other)
      other.gone
      exchange.release
      expect([kept.path, kept['host']]).to eq(%w[/kept localhost])
    end

    it 'that was reset before anybody took it is never seen' do
      session.feed((0..20).map { |i| request((i * 2) + 1) + HTTP2Wire.frame(:RST_STREAM, 0, (i * 2) + 1, [8].pack('N')) }.join)
      expect([session.waiting?, session.idle?, taken.last]).to eq([false, true, nil])
    end
  end

  describe 'a body' do
    it 'opens its window as it is read, and by no more' do
      session.feed(request(1, 'POST', finish: false) + (HTTP2Wire.frame(:DATA, 0, 1, 'x' * 10_000) * 6))
      exchange, = taken
      frames
      expect(exchange.buffered).to eq(60_000)
      expect(frames).to eq([])
      expect(exchange.read_body(50_000).size).to eq(50_000)
      expect(frames.select { |frame| frame[0] == 8 && frame[2] == 1 }.sum { |frame| frame[3].unpack1('N') }).to eq(50_000)
    end

    it 'has news for who waits for it, once' do
      owner = Object.new
      session.feed(request(1, 'POST', finish: false))
      exchange = codec::Exchange.new(session, owner)
      exchange.take
      session.feed(HTTP2Wire.frame(:DATA, 0, 1, 'a'))
      expect(session.news).to be_nil # nobody has asked
      expect([exchange.read_body, exchange.read_body]).to eq(['a', nil])
      session.feed(HTTP2Wire.frame(:DATA, 0, 1, 'b') + HTTP2Wire.frame(:DATA, 1, 1, 'c'))
      expect([session.news, session.news]).to eq([[owner], nil])
      expect([exchange.read_body(1), exchange.read_body, exchange.read_body, exchange.complete?]).to eq(['b', 'c', nil, true])
    end

    it 'that is left unread is given back to the connection, and the client told to stop' do
      session.feed(request(1, 'POST', finish: false) + HTTP2Wire.frame(:DATA, 0, 1, 'x' * 1000))
      exchange, = taken
      exchange.respond(200, {}, 'no')
      exchange.release
      expect([frames.last, session.idle?]).to eq([[0, 1, 1, 'no'], true]) # it may be at its end
      session.feed(HTTP2Wire.frame(:DATA, 0, 1, 'x' * 16_000) * 3)
      expect(frames.last).to eq([3, 0, 1, [0].pack('N')])
    end
  end

  describe 'an answer' do
    before { session.feed(request(1)) }

    it 'is one piece of bytes for many' do
      session.feed((1..50).map { |i| request((i * 2) + 1) }.join)
      exchange = codec::Exchange.new(session)
      exchange.respond(200, {}, 'hello') while exchange.take
      expect([session.output.bytesize > 1000, session.output]).to eq([true, nil])
    end

    it 'waits for the window' do
      exchange, = taken
      exchange.respond(200, {}, 'x' * 70_000)
      expect(frames.select { |frame| frame[0].zero? }.sum { |frame| frame[3].size }).to eq(65_535)
      expect(exchange.queued).to eq(70_000 - 65_535)
      session.feed(HTTP2Wire.frame(:WINDOW_UPDATE, 0, 0, [9000].pack('N')) + HTTP2Wire.frame(:WINDOW_UPDATE, 0, 1, [9000].pack('N')))
      expect(frames.map { |frame| [frame[0], frame[1], frame[3].size] }).to eq([[0, 1, 70_000 - 65_535]])
    end

    it 'has the fields that it was given, in lower case, and no line break' do
      exchange, = taken
      ["a\nb", "a\rb", "a\0b"].each { |value| expect { exchange.respond(200, { 'x' => value }) }.to raise_error(response_error, /line break/) }
      ['a b', '', ':status', "a\n"].each { |name| expect { exchange.respond(200, { name => '1' }) }.to raise_error(response_error, /no name/) }
      expect { exchange.respond(200, { 'transfer-encoding' => 'chunked' }) }.to raise_error(response_error)
      expect { exchange.respond(99, {}) }.to raise_error(response_error)
      expect { exchange.respond(200, { 'content-length' => '3' }, 'four') }.to raise_error(response_error)
      exchange.respond(200, { 'X-Many' => %w[1 2], 'connection' => 'close', 'x-space' => ' a ' })
      fields = HTTP2Hpack::Decoder.new.decode(frames.find { |frame| frame[0] == 1 }[3])
      expect(fields.reject { |name,| name == 'date' }).to eq([%w[:status 200], %w[x-many 1], %w[x-many 2], %w[x-space a], %w[content-length 0]])
    end

    it 'is given by the request itself, as long as it is the current one' do
      session.feed(request(3))
      exchange = codec::Exchange.new(session, nil, true)
      first = exchange.take
      expect([first.answer_at_once(200, {}, 'a'), first.answer_at_once(200, {}, 'b'), first.status]).to eq([true, nil, 200])
      second = exchange.take
      expect([first.answer_at_once(200, {}, 'c'), second.answer_at_once(200, { 'a' => "\n" }, 'd'), second.answer_pieces(200, { 'rack.x' => 'y' }, ['e'])]).to eq([nil, nil, nil])
      expect(second.answer_pieces(200, {}, %w[f g])).to be(true)
      exchange.release
      expect(frames.select { |frame| frame[0].zero? }.map(&:last)).to eq(%w[a fg])
    end

    it 'that is given up is reset, behind what was written' do
      exchange, = taken
      exchange.start(200, {})
      exchange.write('half')
      exchange.release
      expect(frames.map { |frame| [frame[0], frame[3][0, 4]] }.last(2)).to eq([[0, 'half'], [3, "\0\0\0\2"]])
    end
  end

  it 'refuses what is none of it' do
    expect { codec::Session.new(1) }.to raise_error(TypeError)
    expect { codec::Session.new(codec::Limits.new, String) }.to raise_error(TypeError)
    expect { codec::Session.allocate.feed('') }.to raise_error(ArgumentError)
    expect { codec::Exchange.new(1) }.to raise_error(TypeError)
    expect { codec::Exchange.new(session).respond(200, {}) }.to raise_error(response_error)
    expect { codec::Limits.new(streams: 0) }.to raise_error(ArgumentError, /from 1/)
    expect { codec::Limits.new(none: 1) }.to raise_error(ArgumentError, /there are/)
    expect { codec::Limits.new(streams: '1') }.to raise_error(TypeError)
  end
end
