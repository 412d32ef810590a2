# frozen_string_literal: true

require_relative '../support/stock'

RSpec.describe 'Sockets beside a ticker fiber', :stock do
  def tcp_server(host = '127.0.0.1')
    keep(TCPServer.new(host, 0))
  end

  # A connected pair over TCP: the client's side and the server's.
  def tcp_pair
    server = tcp_server
    client = keep(TCPSocket.new('127.0.0.1', server.addr[1]))
    [client, keep(server.accept)]
  end

  def error_of
    yield and nil
  rescue StandardError => e
    e.class
  end

  # A listener whose queue is full: further connects stay pending until something is accepted.
  def full_listener
    server = tcp_server
    server.listen(0)
    queued = keep(Socket.new(:INET, :STREAM))
    queued.connect(server.local_address)
    server
  end

  def udp(host = '127.0.0.1', family = Socket::AF_INET)
    keep(UDPSocket.new(family)).tap { |socket| socket.bind(host, 0) }
  end

  %w[127.0.0.1 ::1].each do |host|
    it "TCPServer#accept on #{host}" do
      server = tcp_server(host)
      event = -> { keep(TCPSocket.new(host, server.addr[1])).puts('hello') }
      expect(beside_ticker(event) { keep(server.accept).gets }).to eq("hello\n")
    end
  end

  it 'TCPServer#accept_nonblock never waits; IO#wait_readable after it does' do
    server = tcp_server
    event = -> { keep(TCPSocket.new('127.0.0.1', server.addr[1])) }
    client = beside_ticker(event) do
      server.accept_nonblock
    rescue IO::WaitReadable
      server.wait_readable
      retry
    end
    expect(keep(client)).to be_a(TCPSocket)
  end

  it 'Socket#accept and Addrinfo#listen' do
    server = keep(Addrinfo.tcp('127.0.0.1', 0).listen)
    event = -> { keep(server.local_address.connect) }
    client, address = beside_ticker(event) { server.accept }
    keep(client)
    expect(address).to be_ipv4
  end

  it 'two fibers accept on one server: each gets a connection' do
    server = tcp_server
    accepted = []
    in_scheduler do
      2.times { Fiber.schedule { accepted << keep(server.accept).gets } }
      Fiber.schedule { %w[a b].each { |text| keep(TCPSocket.new('127.0.0.1', server.addr[1])).puts(text) } }
    end
    expect(accepted).to contain_exactly("a\n", "b\n")
  end

  it 'Socket.tcp_server_sockets and Socket.accept_loop' do
    servers = Socket.tcp_server_sockets('127.0.0.1', 0).each { |io| keep(io) }
    event = -> { keep(servers.first.local_address.connect) }
    call = -> { Socket.accept_loop(servers) { |client, _| break keep(client) } }
    client = Stock::IO_SELECT_HOOK ? beside_ticker(event, &call) : blocks_the_thread(event, &call) # it selects
    expect(client).to be_a(Socket)
  end

  it 'Socket#connect to a server whose queue is full' do
    server = full_listener
    client = keep(Socket.new(:INET, :STREAM))
    event = -> { keep(server.accept) }
    expect(beside_ticker(event) { client.connect(server.local_address) }).to eq(0)
  end

  it 'TCPSocket.new to a server whose queue is full' do
    server = full_listener
    event = -> { keep(server.accept) }
    client = beside_ticker(event) { keep(TCPSocket.new('127.0.0.1', server.addr[1])) }
    expect(client.remote_address.ip_port).to eq(server.addr[1])
  end

  it 'Socket.tcp with connect_timeout raises ETIMEDOUT' do
    server = full_listener
    expect { beside_ticker { Socket.tcp('127.0.0.1', server.addr[1], connect_timeout: 0.02) } }
      .to raise_error(Errno::ETIMEDOUT)
  end

  it 'a refused connection raises ECONNREFUSED' do
    server = tcp_server
    port = server.addr[1]
    server.close
    expect { in_scheduler { Fiber.schedule { TCPSocket.new('127.0.0.1', port) } } }.to raise_error(Errno::ECONNREFUSED)
  end

  {
    'gets' => [->(s) { s.gets }, "hello\n"],
    'recv' => [->(s) { s.recv(100) }, "hello\n"],
    'recv with a buffer' => [->(s) { (+'').tap { |buffer| s.recv(100, 0, buffer) } }, "hello\n"],
    'recvmsg' => [->(s) { s.recvmsg.first }, "hello\n"],
    'readpartial' => [->(s) { s.readpartial(100) }, "hello\n"],
    'read(6)' => [->(s) { s.read(6) }, "hello\n"]
  }.each do |name, (call, result)|
    it "TCPSocket##{name}" do
      ours, theirs = tcp_pair
      expect(beside_ticker(-> { theirs.puts('hello') }) { call.call(ours) }).to eq(result)
    end
  end

  {
    'write' => ->(s, data) { s.write(data) },
    'send' => ->(s, data) { data = data.byteslice(s.send(data, 0)..) until data.empty? },
    'sendmsg' => ->(s, data) { data = data.byteslice(s.sendmsg(data)..) until data.empty? }
  }.each do |name, call|
    it "TCPSocket##{name} of 8 MB" do
      ours, theirs = tcp_pair
      size = 8 * 1024 * 1024
      received = nil
      beside_ticker(-> { received = theirs.read(size) }) { call.call(ours, 'x' * size) }
      expect(received.count('x')).to eq(size)
    end
  end

  it 'recv_nonblock never waits' do
    ours, theirs = tcp_pair
    got = []
    in_scheduler do
      Fiber.schedule { got << ours.recv_nonblock(5, exception: false) }
      theirs.write('hello')
    end
    expect(got).to eq([:wait_readable])
  end

  it 'a closed connection is an end of file for a waiter' do
    ours, theirs = tcp_pair
    expect(beside_ticker(-> { theirs.close }) { ours.read }).to eq('')
    expect(beside_ticker { sleep 0.01 and ours.gets }).to be_nil
  end

  it 'close_write half closes: the other side reads to the end and answers' do
    ours, theirs = tcp_pair
    event = -> { theirs.write('hello') and theirs.close_write }
    answer = beside_ticker(event) { ours.read.tap { |text| ours.puts(text.upcase) } }
    expect([answer, theirs.gets]).to eq(%W[hello HELLO\n])
  end

  [['127.0.0.1', Socket::AF_INET], ['::1', Socket::AF_INET6]].each do |host, family|
    it "UDPSocket#recvfrom on #{host}" do
      ours = udp(host, family)
      theirs = udp(host, family)
      data, from = beside_ticker(-> { theirs.send('hello', 0, host, ours.addr[1]) }) { ours.recvfrom(100) }
      expect([data, from[1]]).to eq(['hello', theirs.addr[1]])
    end
  end

  {
    'recv' => ->(s) { s.recv(100) },
    'recvmsg' => ->(s) { s.recvmsg.first },
    'recvfrom_nonblock after wait_readable' => ->(s) { s.wait_readable.recvfrom_nonblock(100).first }
  }.each do |name, call|
    it "UDPSocket##{name}" do
      ours = udp
      event = -> { udp.send('hello', 0, '127.0.0.1', ours.addr[1]) }
      expect(beside_ticker(event) { call.call(ours) }).to eq('hello')
    end
  end

  it 'two fibers receive on one UDP socket: each datagram goes to one of them' do
    ours = udp
    got = []
    in_scheduler do
      2.times { Fiber.schedule { got << ours.recv(10) } }
      Fiber.schedule { %w[a b].each { |text| udp.send(text, 0, '127.0.0.1', ours.addr[1]) } }
    end
    expect(got).to contain_exactly('a', 'b')
  end

  it 'UNIXServer#accept and UNIXSocket#gets' do
    server = keep(UNIXServer.new(scratch))
    event = -> { keep(UNIXSocket.new(scratch)).puts('hello') }
    expect(beside_ticker(event) { keep(server.accept).gets }).to eq("hello\n")
  end

  it 'UNIXSocket#recvfrom on a datagram socket' do
    ours, theirs = UNIXSocket.pair(:DGRAM).each { |io| keep(io) }
    expect(beside_ticker(-> { theirs.send('hello', 0) }) { ours.recvfrom(100).first }).to eq('hello')
  end

  it 'UNIXSocket#recv_io' do
    ours, theirs = UNIXSocket.pair.each { |io| keep(io) }
    reader, writer = pipe
    got = beside_ticker(-> { theirs.send_io(reader) }) { keep(ours.recv_io) }
    writer.puts('hello')
    expect(got.gets).to eq("hello\n")
  end

  if Stock::IO_TIMEOUT
    %i[accept gets recvfrom recvmsg].each do |call|
      it "IO#timeout= limits #{call} with the error that it has without a scheduler" do
        ours = call == :accept ? tcp_server : tcp_pair.first
        ours.timeout = 0.02
        arguments = call == :recvfrom ? [1] : []
        stock = error_of { ours.public_send(call, *arguments) } # IO::TimeoutError, or EAGAIN before Ruby 4.0
        expect(error_of { beside_ticker { ours.public_send(call, *arguments) } }).to eq(stock)
      end
    end
  end

  it 'an echo server and fifty clients' do
    server = tcp_server
    echoes = []
    in_scheduler do
      Fiber.schedule do
        50.times { server.accept.then { |c| Fiber.schedule { IO.copy_stream(c, c) and c.close } } }
      end
      50.times do |i|
        Fiber.schedule do
          TCPSocket.open('127.0.0.1', server.addr[1]) do |socket|
            socket.puts(i)
            echoes << Integer(socket.gets)
          end
        end
      end
    end
    expect(echoes).to match_array(0...50)
  end
end
