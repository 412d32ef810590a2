# frozen_string_literal: true

require_relative '../support/stock'
require 'net/http'

RSpec.describe 'Net::HTTP beside a ticker fiber', :stock do
  # A server of this very thread: answers each request of each connection with what the block returns.
  def serve(&answer)
    @server = keep(TCPServer.new('127.0.0.1', 0))
    Fiber.schedule do
      loop { @server.accept.then { |client| Fiber.schedule { converse(client, &answer) } } }
    rescue IOError
      nil # the example closed the server
    end
  end

  def converse(client)
    while (line = client.gets)
      headers = client.each_line.take_while { |header| header != "\r\n" }
      length = headers.filter_map { |header| header[/\Acontent-length: (\d+)/i, 1] }.first.to_i
      client.write(yield(line.split[0..1], client.read(length)))
    end
  ensure
    client.close
  end

  def response(body, status: '200 OK')
    "HTTP/1.1 #{status}\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}"
  end

  def uri(path = '/', host: '127.0.0.1')
    URI("http://#{host}:#{@server.addr[1]}#{path}")
  end

  # One client in a fiber beside the server and a ticker; the server is closed after it.
  def client(answer = ->(request, body) { response("#{request.join(' ')} #{body}".strip) }, &call)
    beside_ticker do
      serve(&answer)
      call.call
    ensure
      @server.close
    end
  end

  it 'get' do
    expect(client { Net::HTTP.get(uri('/hello')) }).to eq('GET /hello')
  end

  it 'get by name' do
    skip_fast_fallback do
      expect(client { Net::HTTP.get(uri('/hello', host: 'localhost')) }).to eq('GET /hello')
    end
  end

  # From Ruby 3.4 on, a connection by name needs this public setting: see names_spec.rb.
  def skip_fast_fallback
    Socket.tcp_fast_fallback = false if Stock::FAST_FALLBACK
    yield
  ensure
    Socket.tcp_fast_fallback = true if Stock::FAST_FALLBACK
  end

  it 'post' do
    expect(client { Net::HTTP.post(uri, 'x' * 1_000_000).body.size }).to eq(1_000_000 + 'POST / '.size)
  end

  it 'a session keeps its connection over several requests' do
    accepted = 0
    bodies = client do
      counting = @server.method(:accept)
      @server.define_singleton_method(:accept) { counting.call.tap { accepted += 1 } }
      Net::HTTP.start('127.0.0.1', @server.addr[1]) { |http| Array.new(3) { |i| http.get("/#{i}").body } }
    end
    expect([bodies, accepted <= 1]).to eq([['GET /0', 'GET /1', 'GET /2'], true])
  end

  it 'a body that comes in chunks, read piece by piece' do
    chunked = ->(*) { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n" }
    pieces = client(chunked) do
      [].tap { |got| Net::HTTP.get_response(uri) { |r| r.read_body { |piece| got << piece } } }
    end
    expect(pieces.join).to eq('helloworld')
  end

  it 'a slow server: the client waits, others run' do
    slow = ->(*) { give_way and response('slow') }
    expect(client(slow) { Net::HTTP.get(uri) }).to eq('slow')
  end

  it 'read_timeout raises Net::ReadTimeout' do
    mute = ->(*) { sleep(0.2) and response('late') }
    expect do
      client(mute) do
        Net::HTTP.start('127.0.0.1', @server.addr[1], read_timeout: 0.02, max_retries: 0) { |http| http.get('/') }
      end
    end.to raise_error(Net::ReadTimeout)
  end

  it 'open_timeout raises Net::OpenTimeout' do
    server = keep(TCPServer.new('127.0.0.1', 0))
    server.listen(0)
    keep(TCPSocket.new('127.0.0.1', server.addr[1])) # fills its queue
    expect { beside_ticker { Net::HTTP.start('127.0.0.1', server.addr[1], open_timeout: 0.02) { nil } } }
      .to raise_error(Net::OpenTimeout)
  end

  it 'fifty requests at once' do
    bodies = []
    in_scheduler do
      serve { |request, _| give_way(2) and response(request.last) }
      left = 50
      50.times do |i|
        Fiber.schedule do
          bodies << Net::HTTP.get(uri("/#{i}"))
          @server.close if (left -= 1).zero?
        end
      end
    end
    expect(bodies).to match_array((0...50).map { |i| "/#{i}" })
  end
end
