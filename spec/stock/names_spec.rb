# frozen_string_literal: true

require_relative '../support/stock'
require 'timeout'

# Names come from /etc/hosts: 'localhost' is in every one of them.
RSpec.describe 'Names beside a ticker fiber', :stock do
  def tcp_server
    keep(TCPServer.new('127.0.0.1', 0))
  end

  {
    'Addrinfo.getaddrinfo' => -> { Addrinfo.getaddrinfo('localhost', nil, :INET).map(&:ip_address).uniq },
    'Addrinfo.ip' => -> { [Addrinfo.ip('localhost').ip_address] },
    'Socket.getaddrinfo' => -> { Socket.getaddrinfo('localhost', nil, :INET).map { |a| a[3] }.uniq },
    'IPSocket.getaddress' => -> { [IPSocket.getaddress('localhost')] }
  }.each do |name, call|
    it "#{name} of a name" do
      expect(beside_ticker(&call)).to all(eq('127.0.0.1').or(eq('::1')))
    end
  end

  it 'gives what the resolver of the system gives, in its order' do
    expected = Addrinfo.getaddrinfo('localhost', 80, nil, :STREAM).map(&:ip_address).uniq
    expect(beside_ticker { Addrinfo.getaddrinfo('localhost', 80, nil, :STREAM).map(&:ip_address).uniq }).to eq(expected)
  end

  it 'TCPSocket.new by name' do
    server = tcp_server
    line = nil
    in_scheduler do
      Fiber.schedule { keep(server.accept).puts('hello') }
      Fiber.schedule { line = keep(TCPSocket.new('localhost', server.addr[1])).gets }
    end
    expect(line).to eq("hello\n")
  end

  it 'Socket.tcp by name' do
    server = tcp_server
    line = nil
    in_scheduler do
      Fiber.schedule { keep(server.accept).puts('hello') }
      Fiber.schedule { Socket.tcp('localhost', server.addr[1]) { |socket| line = socket.gets } }
    end
    expect(line).to eq("hello\n")
  end

  if Stock::FAST_FALLBACK
    it 'TCPSocket.new by name selects on its own and blocks the thread (Ruby >= 3.4)' do
      server = tcp_server
      client = blocks_the_thread { TCPSocket.new('localhost', server.addr[1]) }
      expect(keep(client)).to be_a(TCPSocket)
    end

    it '… the way out: Socket.tcp_fast_fallback = false' do
      server = tcp_server
      Socket.tcp_fast_fallback = false
      expect(keep(beside_ticker { TCPSocket.new('localhost', server.addr[1]) })).to be_a(TCPSocket)
    ensure
      Socket.tcp_fast_fallback = true
    end
  else
    it 'other fibers run while TCPSocket.new looks the name up' do
      server = tcp_server
      expect(keep(beside_ticker { TCPSocket.new('localhost', server.addr[1]) })).to be_a(TCPSocket)
    end
  end

  it 'TCPServer.new and UDPSocket#send take names' do
    server = keep(beside_ticker { TCPServer.new('localhost', 0) })
    expect(server.addr[3]).to eq('127.0.0.1').or eq('::1')
    ours = keep(UDPSocket.new).tap { |socket| socket.bind('127.0.0.1', 0) }
    sender = keep(UDPSocket.new)
    beside_ticker { sender.send('hello', 0, 'localhost', ours.addr[1]) }
    expect(ours.recv(10)).to eq('hello')
  end

  it 'a name that does not exist raises SocketError' do
    expect { beside_ticker { Addrinfo.getaddrinfo('does-not-exist.invalid', 80) } }.to raise_error(SocketError)
    expect { beside_ticker { TCPSocket.new('does-not-exist.invalid', 80) } }.to raise_error(SocketError)
  end

  it 'an address is not looked up, in any family; one with a zone loses it (Ruby cannot take it from a hook)' do
    in_scheduler do
      Fiber.schedule do
        expect(Addrinfo.getaddrinfo('127.0.0.1', 80).map(&:ip_address).uniq).to eq(['127.0.0.1'])
        expect(Addrinfo.getaddrinfo('::1', 80).map(&:ip_address).uniq).to eq(['::1'])
        expect(Addrinfo.getaddrinfo('fe80::1%lo', 80).first).to be_ipv6_linklocal
      end
    end
  end

  it 'twenty lookups at once' do
    found = []
    in_scheduler { 20.times { Fiber.schedule { found << IPSocket.getaddress('localhost') } } }
    expect(found.size).to eq(20)
  end

  it 'a lookup can be cut by Timeout, and the fiber goes on' do
    outcome = beside_ticker do
      Timeout.timeout(0.000001) { 1000.times { IPSocket.getaddress('localhost') } }
    rescue Timeout::Error
      IPSocket.getaddress('localhost')
    end
    expect(outcome).to eq('127.0.0.1').or eq('::1')
  end

  it 'Addrinfo#getnameinfo has no hook: it blocks the thread while it looks up' do
    name, port = blocks_the_thread { Addrinfo.tcp('127.0.0.1', 80).getnameinfo(Socket::NI_NUMERICSERV) }
    expect([name, port]).to eq([name.to_str, '80'])
  end

  it '… the way out: a thread' do
    lookup = -> { Thread.new { Addrinfo.tcp('127.0.0.1', 80).getnameinfo(Socket::NI_NUMERICSERV) }.value }
    expect(beside_ticker(&lookup).last).to eq('80')
  end
end
