# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/websocket_client'

# The case classes of the Autobahn test suite, in miniature; each with the bytes in one piece, and one by one.
RSpec.describe 'A WebSocket of the server', :fibers do
  client = WebSocketClient
  # What came before a fault is still answered; then the close frame, and the end of the connection.
  cases = {
    '1.1 texts of all sizes' => [0, 1, 125, 126, 127, 128, 65_535, 65_536].flat_map { |n| [client.frame(:text, '*' * n), '*' * n] },
    '1.2 bytes of all sizes' => [0, 1, 125, 126, 127, 128, 65_535, 65_536].flat_map { |n| [client.frame(:binary, "\xfe" * n), "\xfe".b * n] },
    '2 pings' => [client.frame(:ping, '') + client.frame(:ping, 'hello') + client.frame(:ping, "\x00\xff\xfe") + client.frame(:ping, '*' * 125),
                  [:pong, ''], [:pong, 'hello'], [:pong, "\x00\xff\xfe".b], [:pong, '*' * 125]],
    '2.5 a ping that is too long' => [client.frame(:ping, '*' * 126), 1002],
    '2.7 pongs that nobody asked for' => [client.frame(:pong, 'x') + client.frame(:pong, '') + client.frame(:text, 'on'), 'on'],
    '2.10 ten pings at once' => [(0..9).map { |i| client.frame(:ping, i.to_s) }.join, *(0..9).map { |i| [:pong, i.to_s] }],
    '3.1 a reserved bit' => [client.frame(:text, 'a') + client.frame(:text, 'b', rsv: 1), 'a', 1002],
    '3.2 another' => [client.frame(:text, 'a') + client.frame(:text, 'b', rsv: 2) + client.frame(:text, 'c'), 'a', 1002],
    '3.4 the one for compression, which was not agreed on' => [client.frame(:text, 'a') + client.frame(:text, 'b', rsv: 4), 'a', 1002],
    '3.5 of a control frame' => [client.frame(:ping, 'x', rsv: 4), 1002],
    **[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].to_h { |n| ["4 opcode #{n}", [client.frame(:text, 'a') + client.frame(n, ''), 'a', 1002]] },
    '5.1 a ping in two frames' => [client.frame(:ping, 'a', fin: false) + client.frame(:continuation, 'b'), 1002],
    '5.3 a text in two frames' => [client.frame(:text, 'frag', fin: false) + client.frame(:continuation, 'ment'), 'fragment'],
    '5.6 a ping in between' => [client.frame(:text, 'frag', fin: false) + client.frame(:ping, 'p') + client.frame(:continuation, 'ment'), [:pong, 'p'], 'fragment'],
    '5.9 a continuation of nothing' => [client.frame(:continuation, 'x') + client.frame(:text, 'y'), 1002],
    '5.12 of nothing, not final' => [client.frame(:continuation, 'x', fin: false), 1002],
    '5.15 of what has ended' => [client.fragments(:text, 'abcd', 2) + client.frame(:continuation, 'x', fin: false), 'abcd', 1002],
    '5.18 a text within a text' => [client.frame(:text, 'a', fin: false) + client.frame(:text, 'b'), 1002],
    '5.19 many fragments and pings' => [client.frame(:text, '1', fin: false) + client.frame(:continuation, '2', fin: false) + client.frame(:ping, 'x') +
      client.frame(:continuation, '', fin: false) + client.frame(:ping, 'y') + client.frame(:continuation, '5'), [:pong, 'x'], [:pong, 'y'], '125'],
    '6.1 texts of no bytes, in frames too' => [client.frame(:text, '') + client.frame(:text, '', fin: false) + client.frame(:continuation, '', fin: false) + client.frame(:continuation, ''), '', ''],
    '6.2 UTF-8, cut anywhere' => [client.frame(:text, 'κόσμε ☃ 𝄞') + client.fragments(:text, 'κόσμε ☃ 𝄞', 1) + client.fragments(:text, 'κόσμε ☃ 𝄞', 3), 'κόσμε ☃ 𝄞', 'κόσμε ☃ 𝄞', 'κόσμε ☃ 𝄞'],
    **["\u0000", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "\ufffe", "\ud7ff", "\ue000", "\ufffd", "\u{10000}", "\u{10ffff}"]
          .to_h { |text| ["6.9 #{text.unpack1('U').to_s(16)}", [client.frame(:text, text), text]] },
    **["\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
       "\xf5\x80", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff", "\xe2\x28\xa1", "\xc3\x28", "a\xc2", "\xe2\x82", "\xf0\x9d\x84"]
          .to_h { |bytes| ["6 not UTF-8: #{bytes.unpack1('H*')}", [client.frame(:text, bytes), 1007]] },
    '6.3 not UTF-8, in the second frame' => [client.frame(:text, "\xce\xba\xe1", fin: false) + client.frame(:continuation, "\xbd\xb9\xed\xa0\x80x", fin: false), 1007],
    '7.1 a close, and frames behind it' => [client.close(1000) + client.frame(:text, 'late') + client.frame(:ping, 'late'), 1000],
    '7.1.2 two of them' => [client.close(1000) * 2, 1000],
    '7.1.6 behind a long message' => [client.frame(:text, '*' * 262_144) + client.close(1000), '*' * 262_144, 1000],
    '7.3.1 without a code' => [client.frame(:close, ''), 1000],
    '7.3.2 with half a code' => [client.frame(:close, "\x03"), 1002],
    '7.3.4 with a reason' => [client.close(1000, 'Hello World!'), 1000],
    '7.3.5 with the longest one' => [client.close(1000, '*' * 123), 1000],
    '7.3.6 with a longer one' => [client.close(1000, '*' * 124), 1002],
    '7.5.1 whose reason is not UTF-8' => [client.close(1000, "\xce\xba\xed\xa0\x80"), 1007],
    '7.5 whose reason ends within a character' => [client.close(1000, "\xe2\x82"), 1007],
    **[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].to_h { |code| ["7.7 code #{code}", [client.close(code), code]] },
    **[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].to_h { |code| ["7.9 code #{code}", [client.close(code), 1002]] },
    'a frame without a mask' => [client.frame(:text, 'x', masked: false), 1002],
    'a length in more bytes than it needs' => [[0x81, 0xfe, 125, 0, 0, 0, 0].pack('CCnC4') + ('x' * 125), 1002],
    'and in eight' => [[0x82, 0xff, 65_535].pack('CCQ>') + "\0\0\0\0", 1002],
    'a length beyond all numbers' => [[0x82, 0xff, 1 << 63].pack('CCQ>') + "\0\0\0\0", 1002]
  }

  # @return [Array] what came, in order: messages, [:pong, …], the code of the close frame
  def answers(socket, count)
    Array.new(count) do
      frame = socket.next_frame
      case frame.opcode
      when :text then frame.payload.force_encoding('UTF-8')
      when :binary then frame.payload
      when :close then frame.close.first
      else [frame.opcode, frame.payload]
      end
    end
  end

  def echo = serve { |request| request.websocket(deflate: false) { |ws| ws.each { |message| ws << message } } }

  cases.each do |title, (bytes, *expected)|
    # Several exchanges after each other.
    pairs = title.start_with?('1.') ? [bytes, *expected].each_slice(2).to_a : [[bytes, *expected]]

    it title do
      server = echo
      [false, *(true if bytes.bytesize < 1000)].each do |one_by_one|
        socket = WebSocketClient.new(server.connect)
        pairs.each do |sent, *wanted|
          one_by_one && sent.bytesize < 1000 ? sent.each_char { |byte| socket.raw(byte) } : socket.raw(sent)
          expect(answers(socket, wanted.size)).to eq(wanted)
        end
        ended = pairs.last.last.is_a?(Integer)
        expect(ended ? socket.client.rest : socket.close.first).to eq(ended ? '' : 1000)
        socket.client.close
      end
    end
  end

  # 6.4: the server must not wait for the end of a frame, let alone of a message.
  it 'refuses a text as soon as a byte cannot be, in the midst of a frame' do
    server = echo
    ["\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90", "abc\xff", "\xed\xa0"].each do |bytes|
      socket = WebSocketClient.new(server.connect)
      whole = WebSocketClient.frame(:text, bytes + ('x' * 100))
      socket.raw(whole[0, 6 + bytes.bytesize])
      expect(socket.receive.first).to eq(1007)
      socket.client.close
    end
  end

  it 'refuses an opcode, and a missing mask, before the rest of the frame has come' do
    server = echo
    ["\x83\x80", "\x81\x05", "\x89\xfe", "\xf1\x80"].each do |bytes|
      socket = WebSocketClient.new(server.connect)
      socket.raw(bytes.b)
      expect(socket.receive.first).to eq(1002)
      socket.client.close
    end
  end

  # 9: large messages, in few frames and in many.
  it 'takes messages of several MB, whole and in small frames' do
    server = serve { |request| request.websocket(max_message: 1 << 24, deflate: false) { |ws| ws.each { |message| ws << message } } }
    socket = WebSocketClient.new(server.connect)
    text = 'κόσμε ' * 400_000
    socket.raw(WebSocketClient.frame(:text, text, mask: [0, 0, 0, 0]))
    expect(socket.receive == text).to be(true)
    bytes = Random.bytes(300_000)
    socket.raw(WebSocketClient.fragments(:binary, bytes, 64))
    expect(socket.receive == bytes).to be(true)
    expect(socket.close).to eq([1000, ''])
  end
end
