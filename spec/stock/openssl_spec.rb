# frozen_string_literal: true

require_relative '../support/stock'
require_relative '../support/stock/tls'
require 'net/http'
require 'timeout'

RSpec.describe 'OpenSSL beside a ticker fiber', :stock do
  def raw_pair
    UNIXSocket.pair.each { |io| keep(io) }
  end

  def server_side(io, context = Stock::TLS.server_context)
    OpenSSL::SSL::SSLSocket.new(io, context).tap { |ssl| ssl.sync_close = true }
  end

  def client_side(io, context = Stock::TLS.client_context)
    OpenSSL::SSL::SSLSocket.new(io, context).tap do |ssl|
      ssl.sync_close = true
      ssl.hostname = 'localhost'
    end
  end

  # A connection after its handshake: the client's side and the server's.
  def tls_pair
    ours, theirs = raw_pair
    pair = [client_side(ours), server_side(theirs)]
    in_scheduler do
      Fiber.schedule { pair.last.accept }
      Fiber.schedule { pair.first.connect }
    end
    pair
  end

  it 'SSLSocket#accept waits for the client' do
    ours, theirs = raw_pair
    server = server_side(theirs)
    event = -> { Fiber.schedule { client_side(ours).connect } }
    expect(beside_ticker(event) { server.accept }).to be(server)
  end

  it 'SSLSocket#connect waits for the server' do
    ours, theirs = raw_pair
    client = client_side(ours)
    event = -> { Fiber.schedule { server_side(theirs).accept } }
    expect(beside_ticker(event) { client.connect }).to be(client)
    expect(client.verify_result).to eq(OpenSSL::X509::V_OK)
  end

  it 'SSLSocket#connect to a certificate that it does not trust raises SSLError' do
    ours, theirs = raw_pair
    wary = OpenSSL::SSL::SSLContext.new.tap { |context| context.verify_mode = OpenSSL::SSL::VERIFY_PEER }
    event = lambda do
      Fiber.schedule { server_side(theirs).accept rescue nil } # rubocop:disable Style/RescueModifier
    end
    expect { beside_ticker(event) { client_side(ours, wary).connect } }
      .to raise_error(OpenSSL::SSL::SSLError, /certificate verify failed/)
  end

  {
    'gets' => [->(s) { s.gets }, "hello\n"],
    'readpartial' => [->(s) { s.readpartial(100) }, "hello\n"],
    'read(6)' => [->(s) { s.read(6) }, "hello\n"],
    'sysread' => [->(s) { s.sysread(100) }, "hello\n"]
  }.each do |name, (call, result)|
    it "SSLSocket##{name}" do
      client, server = tls_pair
      expect(beside_ticker(-> { server.puts('hello') }) { call.call(client) }).to eq(result)
    end
  end

  it 'SSLSocket#read to the end of the connection' do
    client, server = tls_pair
    event = -> { server.write('hello') and server.close }
    expect(beside_ticker(event) { client.read }).to eq('hello')
  end

  it 'SSLSocket#write of 8 MB' do
    client, server = tls_pair
    size = 8 * 1024 * 1024
    received = nil
    beside_ticker(-> { received = server.read(size) }) { client.write('x' * size) }
    expect(received.count('x')).to eq(size)
  end

  it 'SSLSocket#read_nonblock never waits; to_io.wait_readable after it does' do
    client, server = tls_pair
    data = beside_ticker(-> { server.write('hello') }) do
      client.read_nonblock(5)
    rescue IO::WaitReadable
      client.to_io.wait_readable
      retry
    end
    expect(data).to eq('hello')
  end

  it 'IO.copy_stream into an SSLSocket' do
    client, server = tls_pair
    File.write(scratch, 'x' * 1_000_000)
    received = nil
    beside_ticker(-> { received = server.read(1_000_000) }) { IO.copy_stream(scratch, client) }
    expect(received.size).to eq(1_000_000)
  end

  it 'Timeout.timeout cuts a read, and the connection works on' do
    client, server = tls_pair
    line = beside_ticker do
      Timeout.timeout(0.02) { client.gets }
    rescue Timeout::Error
      server.puts('hello')
      client.gets
    end
    expect(line).to eq("hello\n")
  end

  it 'one fiber reads and one writes the same connection' do
    client, server = tls_pair
    lines = []
    in_scheduler do
      Fiber.schedule { lines << client.gets }
      Fiber.schedule { client.puts('ping') }
      Fiber.schedule { (lines << server.gets) and server.puts('pong') }
    end
    expect(lines).to eq(%W[ping\n pong\n])
  end

  it 'SSLServer serves ten clients, one of which never says hello' do
    listener = keep(TCPServer.new('127.0.0.1', 0))
    server = OpenSSL::SSL::SSLServer.new(listener, Stock::TLS.server_context)
    server.start_immediately = false # else the accept loop waits for each handshake
    mute = keep(TCPSocket.new('127.0.0.1', listener.addr[1]))
    lines = []
    in_scheduler do
      Fiber.schedule { 11.times { server.accept.then { |ssl| Fiber.schedule { greet(ssl) } } } }
      10.times do
        Fiber.schedule do
          ssl = client_side(TCPSocket.new('127.0.0.1', listener.addr[1])).connect
          lines << ssl.gets
          ssl.close
          mute.close if lines.size == 10
        end
      end
    end
    expect(lines).to eq(["hello\n"] * 10)
  end

  def greet(ssl)
    ssl.accept.puts('hello')
  rescue OpenSSL::SSL::SSLError, SystemCallError
    nil # the mute one
  ensure
    ssl.close
  end

  it 'Net::HTTP over TLS' do
    listener = keep(TCPServer.new('127.0.0.1', 0))
    server = OpenSSL::SSL::SSLServer.new(listener, Stock::TLS.server_context)
    event = lambda do
      ssl = server.accept
      nil until ssl.gets == "\r\n"
      ssl.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
      ssl.close
    end
    body = beside_ticker(event) do
      options = { use_ssl: true, cert_store: Stock::TLS.store }
      Net::HTTP.start('127.0.0.1', listener.addr[1], **options) { |http| http.get('/').body }
    end
    expect(body).to eq('hello')
  end
end
