# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/websocket_client'

RSpec.describe 'Topics over WebSockets', :fibers do
  let(:topic) { Polyphony::Topic.new(:news) }

  # @return [HttpServer::Running]
  def room(overflow: :close, **options, &block)
    websockets(**options) do |ws|
      ws.subscribe(topic, overflow: overflow, &block)
      ws << 'ready'
      ws.each { |message| topic << message }
    end
  end

  def join(server, **options) = websocket(server, **options).tap { |socket| expect(socket.receive).to eq('ready') }

  it 'reach all that have subscribed, in order, texts and bytes' do
    sockets = Array.new(5) { join(@server ||= room) }
    100.times { |i| topic << i.to_s }
    topic << "\xff".b
    sockets.each { |socket| expect(Array.new(101) { socket.receive }).to eq([*'0'..'99', "\xff".b]) }
    sockets.first << 'from one'
    expect(sockets.map(&:receive)).to eq(['from one'] * 5)
  end

  it 'are put into a frame once for all' do
    sockets = Array.new(20) { join(@server ||= room) }
    frames = 0
    count = TracePoint.new(:c_call) { |tp| frames += 1 if tp.method_id == :encode && tp.self.equal?(Polyphony::HTTP::WebSocket) }
    count.enable do
      topic << 'hello'
      expect(sockets.map(&:receive)).to eq(['hello'] * 20)
    end
    expect(frames).to eq(1)
    expect(topic.subscribers).to eq(1)
  end

  it 'are put in words by a block, for each its own; nil is nothing' do
    server = websockets do |ws|
      ws.subscribe(topic) { |number| "#{ws.request.path} #{number}" unless ws.request.path == '/none' }
      ws << 'ready'
      ws.receive
    end
    one, none, two = %w[/one /none /two].map { |path| websocket(server, path).tap(&:receive) }
    [1, 2].each { |number| topic << number }
    expect([one, two].map { |socket| Array.new(2) { socket.receive } }).to eq([['/one 1', '/one 2'], ['/two 1', '/two 2']])
    none << 'end'
    expect(none.closed).to eq([1000, ''])
  end

  it 'end with the WebSocket, and by unsubscribe; the last one leaves nothing behind' do
    server = websockets do |ws|
      ws.subscribe(topic)
      ws << 'ready'
      ws.each { |message| ws.public_send(message, topic) && ws << "done #{message}" }
    end
    sockets = Array.new(3) { join(server) }
    expect((sockets.first << 'unsubscribe').receive).to eq('done unsubscribe')
    topic << 'news'
    expect(sockets.drop(1).map(&:receive)).to eq(%w[news news])
    expect((sockets.first << 'subscribe').receive).to eq('done subscribe')
    topic << 'more'
    expect(sockets.map(&:receive)).to eq(['more'] * 3)
    sockets.each(&:close)
    wait_until { topic.subscribers.zero? }
    socket = join(server) # again, from the beginning
    topic << 'again'
    expect(socket.receive).to eq('again')
  end

  it 'that cannot be sent harm nobody' do
    sockets = Array.new(2) { join(@server ||= room) }
    [5, 'fine'].each { |message| topic << message }
    expect(sockets.map(&:receive)).to eq(%w[fine fine]) # 5 has no form
    expect(@server.log).to match(/:news.*cannot be sent: a message must be a String, not Integer/)
  end

  it 'whose block fails close that WebSocket with 1011' do
    server = websockets do |ws|
      ws.subscribe(topic) { |message| ws.request.path == '/bad' ? raise('oops') : message }
      ws << 'ready'
      ws.receive
    end
    bad, good = %w[/bad /good].map { |path| websocket(server, path).tap(&:receive) }
    topic << 'hello'
    expect([bad.closed, good.receive]).to eq([[1011, ''], 'hello'])
    expect(server.log).to include('oops')
  end

  # As Topic over Redis does when that is gone.
  it 'that break close their WebSockets with 1011, and not the server' do
    breaking = Class.new(Polyphony::Topic) do
      def subscribe(**options)
        super.tap { |subscription| (@made ||= []) << subscription }
      end

      def break = @made.each { |subscription| subscription.close(RuntimeError.new('the engine is gone')) }
    end.new(:broken)
    server = websockets do |ws|
      ws.subscribe(breaking)
      ws << 'ready'
      ws.receive
    end
    socket = join(server)
    breaking.break
    expect(socket.closed).to eq([1011, ''])
    expect(server.log).to include('the engine is gone')
    expect(join(server).close).to eq([1000, ''])
  end

  it 'that are closed are told so; those that get closed end quietly' do
    server = room
    socket = join(server)
    topic.close
    wait_until { topic.subscribers.zero? }
    expect(socket.close).to eq([1000, ''])
    error = nil
    other = websockets { |ws| error = error_of { ws.subscribe(topic) } }
    websocket(other).closed
    expect(error).to be_a(Polyphony::Closed)
  end

  describe 'and slow clients' do
    piece = 'x' * 50_000

    # @return [Array(WebSocketClient, WebSocketClient)] one that reads, one that does not
    def pair(**options)
      server = room(buffer: 200_000, **options)
      [join(server), join(server, connect: { receive_buffer: 8192 })]
    end

    def publish(count, text, reader)
      count.times do
        topic << text
        expect(reader.receive.bytesize).to eq(text.bytesize)
      end
    end

    it 'that keep no pace are dropped with 1013, and hold up nobody' do
      reader, slow = pair
      publish(200, piece, reader)
      got = slow.receive until got.is_a?(Array)
      expect(got).to eq([1013, 'too slow'])
      slow.client.close
      publish(1, 'on', reader)
    end

    it 'lose messages instead, if that is wanted, and count them' do
      dropped = nil
      server = websockets(buffer: 200_000) do |ws|
        ws.subscribe(topic, overflow: :drop)
        ws << 'ready'
        ws.receive
        dropped = ws.dropped
      end
      reader = join(server)
      slow = join(server, connect: { receive_buffer: 8192 })
      publish(200, piece, reader)
      slow << 'end'
      got = 0
      got += 1 while slow.receive.is_a?(String)
      expect([got.positive?, got + dropped]).to eq([true, 200])
    end
  end

  it 'reach a thousand', timeout: 120 do
    server = room(server: { connections: 2000 })
    sockets = Array.new(1000) { join(server) }
    3.times do |i|
      topic << "news #{i}"
      expect(sockets.map(&:receive)).to all(eq("news #{i}"))
    end
    sockets.each { |socket| socket.client.close }
    wait_until { topic.subscribers.zero? && server.server.connections.zero? }
    expect(server.log).to eq('')
  end
end
