# frozen_string_literal: true

require 'polyphony/http'
require 'websocket/driver'
require_relative '../../support/websocket_client'
require_relative '../../support/run_ruby'

RSpec.describe 'Polyphony::HTTP::WebSocket::Decoder' do
  decoder_class = Polyphony::HTTP::WebSocket::Decoder

  # @return [Array] messages, [Symbol, payload]
  def events(decoder, bytes = '')
    decoder.feed(bytes)
    found = []
    while (event = decoder.next)
      found << (event.is_a?(String) ? [event, event.encoding] : [event, decoder.payload])
      break if event == :failed
    end
    found
  end

  # Messages, cut at random places into frames, with control frames in between, and the bytes cut again.
  def traffic(random)
    bytes = (+'').b
    random.rand(1..6).times do
      payload = ['grün ☃ 𝄞 ' * random.rand(0..40), 'x' * [0, 125, 126, 65_535, 65_536].sample(random: random)].sample(random: random)
      kind = %i[text binary].sample(random: random)
      frames = payload.empty? || random.rand < 0.3 ? [[kind, payload, true]] : pieces(payload, kind, random)
      frames.each do |opcode, piece, fin|
        bytes << WebSocketClient.frame(opcode, piece, fin: fin, mask: random.bytes(4).bytes)
        bytes << WebSocketClient.frame(%i[ping pong].sample(random: random), random.bytes(random.rand(0..125))) if random.rand < 0.3
      end
    end
    bytes
  end

  def pieces(payload, kind, random)
    size = [payload.bytesize / random.rand(1..5), 1].max
    parts = payload.b.scan(/.{1,#{size}}/mn)
    parts.each_with_index.map { |part, i| [i.zero? ? kind : :continuation, part, i == parts.size - 1] }
  end

  # The other implementation: what it makes of the same bytes.
  def by_driver(bytes)
    socket = Struct.new(:env) { def write(_) = nil }.new(
      { 'REQUEST_METHOD' => 'GET', 'HTTP_CONNECTION' => 'Upgrade', 'HTTP_UPGRADE' => 'websocket',
        'HTTP_SEC_WEBSOCKET_VERSION' => '13', 'HTTP_SEC_WEBSOCKET_KEY' => WebSocketClient::KEY }
    )
    driver = WebSocket::Driver.rack(socket, max_length: 1 << 20)
    found = []
    driver.on(:message) { |event| found << [event.data, event.data.encoding] }
    %i[ping pong].each { |kind| driver.on(kind) { |event| found << [kind, event.data.b] } }
    driver.on(:close) { |_| found << [:failed] }
    driver.start
    driver.parse(bytes.dup)
    found
  end

  it 'makes of random traffic what websocket-driver makes, however the bytes are cut' do
    seed = Integer(ENV.fetch('SEED', Random.new_seed % 100_000))
    random = Random.new(seed)
    25.times do
      bytes = traffic(random)
      expected = by_driver(bytes)
      decoder = decoder_class.new(1 << 20, 1000, false)
      rest = bytes
      got = []
      until rest.empty?
        size = [1, 2, 7, 100, 16_384].sample(random: random)
        got.concat(events(decoder, rest.byteslice(0, size)))
        rest = rest.byteslice(size..) || ''
      end
      expect(got == expected).to be(true), "seed #{seed}"
    end
  end

  # Where websocket-driver goes on, we may be stricter; never the other way round.
  it 'refuses what websocket-driver refuses, of traffic with one byte changed' do
    seed = Integer(ENV.fetch('SEED', Random.new_seed % 100_000))
    random = Random.new(seed)
    80.times do
      bytes = traffic(random).byteslice(0, 3000)
      bytes.setbyte(random.rand(bytes.bytesize), random.rand(256))
      expected = by_driver(bytes)
      got = events(decoder_class.new(1 << 20, 1000, false), bytes)
      got.map! { |event, payload| event == :close ? [:failed] : [event, payload] }
      failed = got.last&.first == :failed
      expect(failed || expected.last != [:failed]).to be(true), "seed #{seed}"
      whole = got.reject { |event| event.first == :failed }
      expect(expected.first(whole.size) == whole).to be(true), "seed #{seed}"
    end
  end

  it 'says again and again that it has failed, and why' do
    decoder = decoder_class.new(100, 10, false)
    expect(events(decoder, "\x83\x80\x81\x80")).to eq([[:failed, nil]])
    expect([decoder.next, decoder.code, decoder.reason]).to eq([:failed, 1002, 'unknown opcode'])
  end

  it 'refuses bad arguments' do
    expect { decoder_class.new(-1, 1, false) }.to raise_error(ArgumentError)
    expect { decoder_class.new(1, 0, false) }.to raise_error(ArgumentError)
    expect { decoder_class.new('x', 1, false) }.to raise_error(TypeError)
    expect { decoder_class.allocate.next }.to raise_error(ArgumentError)
    expect { decoder_class.new(1, 1, false).feed(nil) }.to raise_error(TypeError)
  end

  it 'takes room as bytes come, not as they are announced' do
    require 'objspace'
    decoder = decoder_class.new(1 << 30, 1, false)
    decoder.feed([0x82, 0xff, 1 << 30].pack('CCQ>') + "\0\0\0\0abc")
    decoder.next
    expect(ObjectSpace.memsize_of(decoder)).to be < 2000
    expect(ObjectSpace.each_object(String).sum { |string| ObjectSpace.memsize_of(string) }).to be < 500_000_000
  end

  it 'holds under GC stress and compaction' do
    result = run_ruby(<<~RUBY, timeout: 55)
      require 'polyphony/http'
      require '#{File.join(ROOT, 'spec/support/websocket_client')}'
      bytes = WebSocketClient.frame(:text, 'grün' * 100) + WebSocketClient.fragments(:binary, 'x' * 500, 50) + WebSocketClient.frame(:ping, 'hi') + WebSocketClient.close(1000, 'bye')
      decoder = Polyphony::HTTP::WebSocket::Decoder.new(1000, 100, false)
      GC.auto_compact = true if GC.respond_to?(:auto_compact=)
      GC.stress = true
      seen = []
      bytes.scan(/.{1,97}/mn) do |piece|
        decoder.feed(piece)
        while (event = decoder.next)
          seen << (event.is_a?(String) ? event.bytesize : [event, decoder.payload])
        end
      end
      seen << Polyphony::HTTP::WebSocket.encode(1, 'hello', false)
      GC.stress = false
      p seen
    RUBY
    expect(result.stdout).to eq(%([500, 500, [:ping, "hi"], [:close, "bye"], "\\x81\\x05hello"]\n)), result.stderr
  end
end
