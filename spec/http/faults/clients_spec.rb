# frozen_string_literal: true

require_relative '../../support/http_crowd'

# A client that goes away, at each stage, by an end (FIN) and by a reset (RST), over TCP, TLS and UNIX sockets.
RSpec.describe 'A client that goes away', :fibers do
  let(:seen) { [] }
  let(:gate) { Polyphony::Event.new }

  # What a handler learns of it, and that it is ended properly.
  def noting(name)
    seen << name
    yield
    seen << :done
  rescue Polyphony::HTTP::Disconnected
    seen << :disconnected
    raise
  ensure
    seen << :ensure
  end

  def handle(request)
    case request.path
    when '/' then request.respond('hello')
    when '/read' then noting(:read) { request.respond(request.read) }
    when '/pieces' then noting(:pieces) { request.each_chunk { nil } && request.respond('read') }
    when '/unread' then noting(:unread) { gate.wait && request.respond('hello') }
    when '/wait' then noting(:wait) { gate.wait && request.respond('hello') }
    when '/large' then noting(:large) { request.respond('x' * (64 << 20)) }
    when '/stream' then noting(:stream) { loop { request << ('x' * 65_536) } }
    when '/events' then noting(:events) { loop { (request << "data: x\n\n") && snooze } }
    end
  end

  # stage => [what the client sends, what the handler is seen to do; nil: it was never called]
  stages = {
    'before its request' => ['', nil],
    'in the request line' => ['GET /', nil],
    'in the header' => ["GET / HTTP/1.1\r\nHost: local", nil],
    'before the body' => ["POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n", %i[read disconnected ensure]],
    'in the body' => ["POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf", %i[read disconnected ensure]],
    'in a chunk' => ["POST /pieces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf",
                     %i[pieces disconnected ensure]],
    'in the line before a chunk' => ["POST /pieces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10",
                                     %i[pieces disconnected ensure]],
    'in the trailers' => ["POST /pieces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
                          %i[pieces disconnected ensure]],
    'before 100 Continue' => ["POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
                              %i[read disconnected ensure]],
    'while the handler leaves the body unread' =>
      ["POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf", %i[unread done ensure]],
    'before the answer' => ["GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n", %i[wait done ensure]],
    'before the answers to several requests' => ["GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3, :any],
    'in a large answer' => ["GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", %i[large done ensure]],
    'in an answer without end' => ["GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n", %i[stream disconnected ensure]],
    'in an answer of small pieces' => ["GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n", %i[events disconnected ensure]],
    'after the answer' => ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", nil]
  }

  binds = { 'TCP' => 'http://127.0.0.1:0', 'TLS' => 'https://127.0.0.1:0', 'a UNIX socket' => nil }

  binds.each do |transport, bind|
    stages.each do |stage, (bytes, expected)|
      (transport == 'a UNIX socket' ? %i[close] : %i[close reset]).each do |farewell|
        it "#{stage}, by #{farewell}, over #{transport}, leaves nothing behind and troubles nobody" do
          path = File.join(Dir.mktmpdir, 'socket')
          options = transport == 'TLS' ? { tls: tls_options } : {}
          server = serve(bind: bind || "unix://#{path}", **options) { |request| handle(request) }
          client = server.connect << bytes
          client.response if stage == 'after the answer'
          client.read_until("\r\n\r\n") if stage.start_with?('in an answer', 'in a large')
          settle unless stage.include?('without end') || stage.include?('small pieces')
          farewell == :close && client.io.respond_to?(:to_io) ? client.io.to_io.close : client.public_send(farewell)
          gate.set
          wait_until { server.server.connections.zero? }
          expect(seen).to eq(expected || []) unless expected == :any
          expect([server.get.body, server.fiber.alive?]).to eq(['hello', true])
          expect(server.lines.grep_v(/the (header|body) is incomplete \(400\)|TLS handshake failed/)).to eq([])
        ensure
          FileUtils.rm_rf(File.dirname(path))
        end
      end
    end
  end

  it 'for its sending half only still gets its answer' do
    server = serve { |request| request.respond(request.read) }
    client = server.connect
    client.send_request('POST', body: 'all of it')
    client.finish
    expect(client.response.body).to eq('all of it')
    expect(client).to be_closed_by_server
  end

  it 'for its sending half only gets all of a long answer' do
    server = serve { |request| request.respond('x' * (8 << 20)) }
    client = server.connect
    client.send_request('GET')
    client.finish
    expect(client.response.body.bytesize).to eq(8 << 20)
  end

  it 'and comes again, 500 times in the middle of everything, costs no descriptor and no fiber' do
    server = serve { |request| handle(request) }
    server.get
    wait_until { server.server.connections.zero? }
    count = -> { [Dir.children('/proc/self/fd').size, Polyphony.stats[:fibers]] }
    before = count.call
    gate.set
    500.times do |i|
      client = server.connect << stages.values[i % (stages.size - 4)].first
      snooze if i.odd?
      (i % 3).zero? ? client.reset : client.close
    end
    wait_until { server.server.connections.zero? }
    descriptors, fibers = count.call
    # A few may be the process's own, opened when they were first needed; of 500 none may be left.
    expect([descriptors < before[0] + 10, fibers]).to eq([true, before[1]])
    expect(server.get.body).to eq('hello')
  end
end
