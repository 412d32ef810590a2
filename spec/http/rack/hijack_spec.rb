# frozen_string_literal: true

require 'tmpdir'
require_relative '../../support/rack_app'
require_relative '../../support/virtual_time'

RSpec.describe 'Hijacking by Rack', :fibers do
  it 'gives the connection, and what was read ahead; the response is ignored, the app closes it' do
    io = nil
    server = rack do |env|
      io = env['rack.hijack'].call
      [200, { 'ignored' => 'x' }, ['ignored']]
    end
    client = server.connect
    client << "GET / HTTP/1.1\r\nHost: a\r\n\r\nahead"
    wait_until { io }
    wait_until { server.server.connections.zero? }
    client << ' and behind'
    expect([io.readpartial(5), io.read(11)]).to eq(['ahead', ' and behind'])
    io.write('bare')
    io.close
    expect([client.rest, server.log]).to eq(['bare', ''])
  end

  it 'works from a thread, after the app has returned' do
    server = rack do |env|
      io = env['rack.hijack'].call
      Thread.new do
        io.write(io.gets.upcase)
        io.close
      end
      [200, {}, []]
    end
    client = server.connect
    client << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    client << "hello\n"
    expect(client.rest).to eq("HELLO\n")
  end

  it 'is over TLS or not the same for pipelined requests: answers before it come first' do
    server = rack { |env| env['PATH_INFO'] == '/2' ? env['rack.hijack'].call.then { |io| io.write('bare') && io.close } && [200, {}, []] : [200, {}, ['one']] }
    client = server.connect
    client << "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
    expect([client.response.body, client.rest]).to eq(%w[one bare])
  end

  it 'logs what the app raises after it, and leaves the connection alone' do
    io = nil
    server = rack(lint: false) { |env| (io = env['rack.hijack'].call) && raise('oops') }
    client = server.connect
    client.send_request('GET')
    wait_until { server.log.include?('oops') }
    io.write('still there')
    io.close
    expect(client.rest).to eq('still there')
  end

  it 'is refused once an answer has begun' do
    server = rack(lint: false) do |env|
      [200, {}, lambda do |stream|
        stream << 'x'
        env['rack.hijack'].call
      rescue Polyphony::HTTP::ResponseError => e
        stream << e.message
      end]
    end
    expect(server.get.body).to match(/\Ax.*answered already/)
  end

  describe 'in part' do
    it 'sends status and header at once, and the body as it is written' do
      queue = Queue.new
      server = rack do |_|
        [200, { 'x' => 'y', 'rack.hijack' => ->(stream) { (stream << queue.pop) && stream.close } }, []]
      end
      client = server.connect
      client.send_request('GET')
      expect(client.read_until("\r\n\r\n")).to start_with('HTTP/1.1 200').and include("x: y\r\n")
      queue << 'hello'
      expect(client.rest_of_chunks).to eq('hello')
      queue << 'next'
      expect([client.get.body, server.log]).to eq(['next', '']) # the connection goes on
    end

    it 'goes on until the stream is closed, be it in a thread' do
      gate = Queue.new
      server = rack do |_|
        on = ->(stream) { Thread.new { (stream << gate.pop << gate.pop) && stream.close } }
        [200, { 'rack.hijack' => on }, []]
      end
      client = server.connect
      client.send_request('GET')
      client.read_until("\r\n\r\n")
      gate << 'a' << 'b'
      expect(client.rest_of_chunks).to eq('ab')
    end
  end

  it 'in part has no time limit once the header is out', :virtual_time do
    Dir.mktmpdir do |dir|
      late = ->(stream) { sleep(100) && (stream << 'late') && stream.close }
      server = rack(bind: "unix://#{dir}/socket", handler_timeout: 5) { |_| [200, { 'rack.hijack' => late }, []] }
      expect([server.get.body, server.log]).to eq(['late', ''])
    end
  end

  describe 'for another protocol' do
    upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
    echo = ->(io) { io.write(io.readpartial(100).upcase) }

    it 'is rack.protocol, and a streaming body' do
      server = rack(lint: false) do |env|
        env['rack.protocol'] == ['echo'] ? [101, { 'rack.protocol' => 'echo', 'x' => 'y' }, echo] : [426, {}, []]
      end
      client = server.connect
      client << upgrade
      head = client.read_until("\r\n\r\n")
      expect(head).to start_with('HTTP/1.1 101').and include("upgrade: echo\r\n").and include("connection: upgrade\r\n").and include("x: y\r\n")
      client << 'hello'
      expect([client.rest, server.log]).to eq(['HELLO', ''])
      expect(server.get.status).to eq(426)
    end

    it 'is status 101 with upgrade and rack.hijack, as in Rack 2; the app closes the connection' do
      kept = nil
      server = rack(lint: false) do |_|
        [101, { 'Connection' => 'Upgrade', 'Upgrade' => 'echo', 'rack.hijack' => ->(io) { kept = io } }, []]
      end
      client = server.connect
      client << upgrade
      expect(client.read_until("\r\n\r\n").scan(/^(?:connection|upgrade): \w+/i)).to match_array(['upgrade: echo', 'connection: upgrade'])
      wait_until { server.server.connections.zero? }
      client << 'hello'
      echo.call(kept)
      kept.close
      expect(client.rest).to eq('HELLO')
    end

    it 'is refused for a client that did not ask for it' do
      server = rack(lint: false) { |_| [101, { 'upgrade' => 'echo' }, echo] }
      expect([server.get.status, server.log]).to match([500, /upgrade/])
    end
  end
end
