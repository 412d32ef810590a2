# frozen_string_literal: true

require_relative '../../support/http_crowd'
require_relative '../../support/virtual_time'

RSpec.describe 'TLS under attack' do
  def secure_server(**options)
    serve(bind: 'https://127.0.0.1:0', tls: tls_options, **options) { |request| request.respond('hello') }
  end

  def connect_plainly(server) = HttpServer::Client.new(TCPSocket.new('127.0.0.1', server.port))

  # What a client begins with.
  def client_hello
    here, there = UNIXSocket.pair
    OpenSSL::SSL::SSLSocket.new(here).connect_nonblock(exception: false)
    there.readpartial(4096)
  ensure
    [here, there].each(&:close)
  end

  def garbage = Random.new(4711).bytes(2000)

  context 'with handshakes that stall', :fibers, :virtual_time do
    { 'before it begins' => ->(_) { '' }, 'in the middle of its first message' => ->(hello) { hello[0, 60] },
      'after its first message' => ->(hello) { hello } }.each do |title, part|
      it "cuts one #{title} at the time limit, serves others, and says so" do
        server = secure_server(tls_timeout: 10)
        client = connect_plainly(server)
        client << part.call(client_hello)
        expect(server.get.body).to eq('hello')
        client.rest
        expect(time).to eq(10)
        expect(server.get.body).to eq('hello')
        expect(server.lines).to eq(['polyphony: TLS handshake failed: not done within 10 s'])
        expect(server.server.connections).to be <= 1
      end
    end

    it 'cuts one that comes byte by byte' do
      server = secure_server(tls_timeout: 10)
      client = connect_plainly(server)
      begin
        client_hello.each_byte do |byte|
          client << byte.chr
          sleep 1
        end
      rescue Errno::EPIPE, Errno::ECONNRESET
        nil
      end
      expect(time).to be_between(10, 13)
      expect(server.get.body).to eq('hello')
    end

    it 'serves others while 500 of them stall' do
      server = secure_server(tls_timeout: 10)
      clients = Array.new(500) { connect_plainly(server) << client_hello[0, 60] }
      20.times { expect(server.get.body).to eq('hello') }
      expect(time).to be < 10
      clients.each { |client| expect(client).to be_closed_by_server }
      wait_until { server.server.connections.zero? }
    end
  end

  context 'with what is no TLS', :fibers do
    { 'garbage' => -> { Random.new(4711).bytes(2000) }, 'plain HTTP' => -> { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" },
      'a record that is too long' => -> { "\x16\x03\x01\xff\xff#{'x' * 70_000}".b },
      'an end' => -> { '' } }.each do |title, bytes|
      it "closes the connection that begins with #{title}; one line in the log" do
        server = secure_server
        client = connect_plainly(server)
        begin
          client << bytes.call
          client.finish
          client.rest
        rescue Errno::EPIPE, Errno::ECONNRESET
          nil
        end
        expect(server.get.body).to eq('hello')
        wait_until { server.lines.size == 1 }
        expect(server.lines).to match([/^polyphony: TLS handshake failed: /])
      end
    end

    it 'answers 400 to TLS at a plain port' do
      server = serve { |request| request.respond('hello') }
      client = server.connect
      client << client_hello
      expect(client.response.status).to eq(400)
      expect(client).to be_closed_by_server
      expect(server.get.body).to eq('hello')
    end

    it 'closes a connection whose records turn into garbage' do
      server = secure_server
      client = server.connect
      expect(client.get.body).to eq('hello')
      client.io.to_io.write(garbage)
      client.io.to_io.close
      wait_until { server.server.connections.zero? }
      expect([server.get.body, server.lines.grep(/Error/)]).to eq(['hello', []])
    end
  end

  # Writing 64 MB took 13 seconds, in which nobody else was served, when each record moved all that followed.
  it 'is not slow for a large answer, which arrives as it was sent', :fibers do
    body = Random.new(1).bytes(24 << 20)
    server = serve(bind: 'https://127.0.0.1:0', tls: tls_options) do |request|
      request.path == '/' ? request.respond(body) : request << body[0, 100] << body[100..] << ''
    end
    expect(server.get.body == body).to be(true)
    expect(server.get('/pieces').body == body).to be(true)
  end

  # Each one would cost the server much more than the client.
  it 'does not renegotiate', timeout: 60 do
    server = serve_in_child("request.respond('hello')", bind: 'https://127.0.0.1:0', options: 'tls: TLS_OPTIONS',
                                                        prelude: HttpCrowd::CERTIFICATE)
    input, typed = IO.pipe
    output, printed = IO.pipe
    client = Process.spawn('openssl', 's_client', '-connect', "127.0.0.1:#{server.port}", '-tls1_2',
                           in: input, out: printed, err: printed)
    [input, printed].each(&:close)
    typed.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    said = +''
    said << output.readpartial(4096) until said.include?("\r\n\r\nhello")
    said.clear
    typed.write("R\n")
    said << output.readpartial(4096) until said.match?(/no renegotiation|handshake failure/)
    typed.close
    Process.wait(client)
    expect(said).to include('RENEGOTIATING')
    expect(said).not_to match(/Certificate chain|Verify return code/)
    expect(fetch(server).body).to eq('hello')
  end
end
