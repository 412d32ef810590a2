# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/websocket_client'
require 'zlib'

# RFC 7692. The client's side is zlib and nothing else.
RSpec.describe 'Compression of a WebSocket', :fibers do
  tail = "\x00\x00\xff\xff".b

  # @return [WebSocketClient]
  def agree(server, offer) = websocket(server, '/', { 'Sec-WebSocket-Extensions' => offer })

  def agreed(socket) = socket.head[/^sec-websocket-extensions: (.*)\r$/, 1]

  define_method(:deflated) do |text, deflater = Zlib::Deflate.new(9, -15)|
    deflater.deflate(text, Zlib::SYNC_FLUSH).delete_suffix(tail)
  end

  define_method(:inflated) do |frame, inflater = Zlib::Inflate.new(-15)|
    raise 'not compressed' unless frame.rsv == 4

    inflater.inflate(frame.payload + tail) << inflater.flush_next_out
  end

  { 'permessage-deflate' => 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; client_max_window_bits' => 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; server_max_window_bits=10' => 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10',
    'permessage-deflate; server_max_window_bits="9"; client_max_window_bits=12' => 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9',
    'x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover' => 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; server_max_window_bits=8, permessage-deflate' => 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; server_max_window_bits=8' => nil,
    'permessage-deflate; server_max_window_bits=16' => nil,
    'permessage-deflate; server_max_window_bits' => nil,
    'permessage-deflate; server_no_context_takeover=1' => nil,
    'permessage-deflate; unknown' => nil,
    'permessage-deflate; server_max_window_bits=10; server_max_window_bits=10' => nil,
    'other; a="b\"c,;"' => nil }.each do |offer, answer|
    it "answers #{offer.inspect} by #{answer.inspect}" do
      expect(agreed(agree(echo, offer))).to eq(answer)
    end
  end

  it 'keeps the context if that is wanted by both' do
    server = echo(deflate: { context_takeover: true, min_size: 1 })
    expect(agreed(agree(server, 'permessage-deflate; server_no_context_takeover'))).to eq('permessage-deflate; server_no_context_takeover')
    socket = agree(server, 'permessage-deflate')
    expect(agreed(socket)).to eq('permessage-deflate')
    deflater = Zlib::Deflate.new(9, -15)
    inflater = Zlib::Inflate.new(-15)
    text = Random.new(1).bytes(300).unpack1('H*')
    frames = Array.new(3) do
      socket.send_frame(:text, deflated(text, deflater), rsv: 4)
      socket.next_frame.tap { |frame| expect(inflated(frame, inflater)).to eq(text) }
    end
    expect(frames.last.payload.bytesize).to be < frames.first.payload.bytesize / 10
  end

  it 'is off if the program says so' do
    expect(agreed(agree(echo(deflate: false), 'permessage-deflate'))).to be_nil
  end

  it 'is there for texts and bytes, in one frame or several, with windows of any size' do
    [nil, 9, 12, 15].each do |bits|
      socket = agree(echo, "permessage-deflate#{"; server_max_window_bits=#{bits}" if bits}")
      inflater = Zlib::Inflate.new(-(bits || 15))
      { text: 'grün ' * 30_000, binary: Random.new(2).bytes(100_000) * 2 }.each do |kind, payload|
        bytes = deflated(payload)
        half = bytes.bytesize / 2
        socket.send_frame(kind, bytes.byteslice(0, half), fin: false, rsv: 4)
        socket.send_frame(:ping, 'between')
        socket.send_frame(:continuation, bytes.byteslice(half..))
        expect(socket.next_frame.opcode).to eq(:pong)
        frame = socket.next_frame
        expect([frame.opcode, inflated(frame, inflater) == payload.b]).to eq([kind, true])
        inflater.reset
      end
    end
  end

  it 'is left out for what is short, and clients may leave it out, too' do
    socket = agree(echo, 'permessage-deflate')
    socket.send_frame(:text, deflated('short'), rsv: 4).send_frame(:text, 'plain').send_frame(:text, deflated(''), rsv: 4)
    expect(Array.new(3) { socket.next_frame.to_a.values_at(1, 3) }).to eq([['short', 0], ['plain', 0], ['', 0]])
  end

  it 'takes a message that ends with a last block, and one after it' do
    socket = agree(echo, 'permessage-deflate')
    last = Zlib::Deflate.new(9, -15).deflate('the end', Zlib::FINISH)
    2.times { socket.send_frame(:text, "#{last}\0", rsv: 4) }
    expect([socket.receive, socket.receive]).to eq(['the end'] * 2)
  end

  { 'that cannot be inflated' => ["\xff\xff\xff", 1007], 'whose text is not UTF-8' => [:bad, 1007] }.each do |title, (bytes, code)|
    it "refuses a message #{title}; others are no worse for it" do
      server = echo
      bystander = agree(server, 'permessage-deflate')
      socket = agree(server, 'permessage-deflate')
      socket.send_frame(:text, bytes == :bad ? deflated("\xff") : bytes, rsv: 4)
      expect(socket.closed.first).to eq(code)
      bystander.send_frame(:text, deflated('fine'), rsv: 4)
      expect(bystander.receive).to eq('fine')
    end
  end

  it 'refuses the bit on a continuation, and on what is no message' do
    server = echo
    socket = agree(server, 'permessage-deflate')
    socket.send_frame(:text, 'a', fin: false, rsv: 4).send_frame(:continuation, 'b', rsv: 4)
    expect(socket.closed.first).to eq(1002)
    expect(agree(server, 'permessage-deflate').send_frame(:ping, '', rsv: 4).closed.first).to eq(1002)
  end

  # 1 GB in 1 MB: it must never be held.
  it 'stops at max_message while it inflates' do
    deflater = Zlib::Deflate.new(9, -15)
    million = 'x' * 1_000_000
    bomb = (+'').b
    200.times { bomb << deflater.deflate(million, Zlib::SYNC_FLUSH) }
    expect(bomb.bytesize).to be_between(150_000, 1_000_000)
    limit = 2_000_000
    largest = 0
    message = nil
    server = websockets(max_message: limit) { |ws| message = ws.receive }
    socket = agree(server, 'permessage-deflate')
    watch = TracePoint.new(:c_return) { |tp| largest = [largest, tp.self.bytesize].max if tp.method_id == :<< && tp.self.is_a?(String) }
    watch.enable { socket.raw(WebSocketClient.frame(:text, bomb.delete_suffix(tail), rsv: 4, mask: [0] * 4)) && expect(socket.closed.first).to(eq(1009)) }
    expect([message, largest]).to match([nil, be_between(limit, limit + 100_000)])
  end
end
