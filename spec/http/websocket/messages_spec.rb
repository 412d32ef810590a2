# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/http_certificates'
require_relative '../../support/websocket_client'

RSpec.describe 'Messages of a WebSocket', :fibers do
  it 'are texts in UTF-8 and bytes in BINARY, as they came' do
    got = []
    socket = websocket(websockets { |ws| ws.each { |message| got << [message, message.encoding] } })
    socket.send_frame(:text, 'grün').send_frame(:binary, 'grün').close
    expect(got).to eq([['grün', Encoding::UTF_8], ['grün'.b, Encoding::BINARY]])
  end

  it 'go out as texts, or as bytes if they are in BINARY, or as is said' do
    server = websockets do |ws|
      ws << 'grün' << 'grün'.b << 'grün'.encode('ISO-8859-1') << 'ascii'.encode('US-ASCII')
      ws.text('grün'.b).binary('grün')
      ws << Polyphony::HTTP::WebSocket.frame('framed') << Polyphony::HTTP::WebSocket.frame("\xff".b)
    end
    socket = websocket(server)
    frames = Array.new(8) { socket.next_frame }
    expect(frames.map(&:opcode)).to eq(%i[text binary text text text binary text binary])
    expect(frames.map(&:payload)).to eq(['grün', 'grün', 'grün', 'ascii', 'grün', 'grün', 'framed', "\xff"].map(&:b))
    expect(socket.receive).to eq([1000, ''])
  end

  it 'that cannot be sent are refused, and it goes on' do
    errors = []
    server = websockets do |ws|
      [-> { ws << "\xff" }, -> { ws.text("\xff".b) }, -> { ws << 5 }, -> { ws.binary(nil) }, -> { ws << "\xff".dup.force_encoding('Shift_JIS') },
       -> { ws.ping('x' * 126) }, -> { ws.close(1005) }, -> { ws.close(999) }, -> { ws.close(1000, 'x' * 124) }, -> { ws.close(1000, "\xff") }]
        .each { |try| errors << error_of(&try) }
      ws << 'still there'
    end
    expect(websocket(server).receive).to eq('still there')
    expect(errors.map(&:class)).to eq([ArgumentError, ArgumentError, TypeError, TypeError, *([ArgumentError] * 6)])
  end

  it 'are taken one by one by receive, with a time limit if one is wanted; nil is the end' do
    got = []
    server = websockets do |ws|
      got << Polyphony.move_on_after(0.01, with_value: :nothing) { ws.receive }
      ws << 'go'
      3.times { got << ws.receive }
      got << ws.close_code << ws.close_reason << ws.closed?
    end
    socket = websocket(server)
    socket.receive
    (socket << 'one' << 'two').close(4000, 'enough')
    expect(got).to eq([:nothing, 'one', 'two', nil, 4000, 'enough', true])
  end

  it 'are yielded by an Enumerator, too' do
    got = nil
    server = websockets { |ws| got = ws.each.lazy.map(&:upcase).first(2) }
    socket = websocket(server) << 'a' << 'b'
    expect(socket.receive).to eq([1000, ''])
    expect(got).to eq(%w[A B])
  end

  it 'have one fiber that receives: another one is told so' do
    error = nil
    server = websockets do |ws|
      other = Polyphony.spin { ws.receive }
      wait_until { other.state == :waiting }
      error = error_of { ws.receive }
      ws << other.await
    end
    socket = websocket(server) << 'x'
    expect([socket.receive, error.message]).to match(['x', /another fiber receives/])
  end

  it 'of many fibers do not mix, whatever their lengths' do
    texts = Array.new(20) { |i| (97 + i).chr * (10**(i % 5) * 7) }
    server = websockets(buffer: 50_000) do |ws|
      texts.map { |text| Polyphony.spin { 5.times { ws << text } } }.each(&:await)
    end
    socket = websocket(server, connect: { receive_buffer: 4096 })
    got = Array.new(100) { socket.receive }
    expect(got.tally).to eq(texts.to_h { |text| [text, 5] })
    expect(socket.receive).to eq([1000, ''])
  end

  it 'that are sent while nobody receives go out at once' do
    gate = Queue.new
    server = websockets do |ws|
      ws << 'before'
      gate.pop
    end
    expect(websocket(server).receive).to eq('before')
    gate << true
  end

  it 'go over TLS, large ones too' do
    server = echo(server: { bind: 'https://127.0.0.1:0', tls: HttpCertificates.certificate('localhost').options })
    socket = websocket(server)
    text = 'ab' * 200_000
    socket.raw(WebSocketClient.frame(:text, text, mask: [0] * 4)) << 'short'
    expect([socket.receive == text, socket.receive, socket.close]).to eq([true, 'short', [1000, '']])
  end

  it 'go over a UNIX socket' do
    Dir.mktmpdir do |dir|
      socket = websocket(echo(server: { bind: "unix://#{dir}/socket" })) << 'hello'
      expect([socket.receive, socket.close]).to eq(['hello', [1000, '']])
    end
  end

  it 'come with the request, and what it says about itself' do
    seen = nil
    server = websockets { |ws| seen = [ws.request.path, ws.inspect, ws.pending, ws] }
    websocket(server, '/room').closed
    expect(seen.first(3)).to eq(['/room', '#<Polyphony::HTTP::WebSocket /room open>', 0])
    wait_until { seen.last.inspect == '#<Polyphony::HTTP::WebSocket /room closed 1000>' }
  end

  it 'are pinged by the program' do
    socket = websocket(websockets { |ws| ws.ping('are you there').receive })
    expect(socket.next_frame.to_a.first(2)).to eq([:ping, 'are you there'])
  end

  describe 'at their limits' do
    it 'of bytes: one that is longer, in one frame or several, is refused with 1009 as soon as that shows' do
      server = echo(max_message: 1000)
      [WebSocketClient.frame(:text, 'x' * 1001)[0, 8], WebSocketClient.frame(:text, 'x' * 600, fin: false) + WebSocketClient.frame(:continuation, 'x' * 401)[0, 8],
       [0x82, 0xff, 1 << 40].pack('CCQ>') + "\0\0\0\0"].each { |bytes| expect(websocket(server).raw(bytes).receive).to match([1009, /longer/]) }
      expect((websocket(server) << 'x' * 125).raw(WebSocketClient.frame(:binary, 'x' * 1000)).then { |socket| [socket.receive.size, socket.receive.size] }).to eq([125, 1000])
      expect(server.lines.grep(/websocket: 127.0.0.1 .*longer than allowed \(1009\)/).size).to eq(3)
    end

    it 'of frames: a flood of small ones is refused with 1008' do
      socket = websocket(echo(max_frames: 10))
      socket.raw(WebSocketClient.fragments(:text, 'x' * 10, 1))
      expect(socket.receive).to eq('x' * 10)
      socket.raw(WebSocketClient.frame(:text, '', fin: false) + (WebSocketClient.frame(:continuation, '', fin: false) * 10))
      expect(socket.receive).to match([1008, /frames/])
    end
  end
end
