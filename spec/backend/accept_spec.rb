# frozen_string_literal: true

require 'tmpdir'
require_relative '../support/backend'

RSpec.describe 'Polyphony::Backend#accept, #accept_loop and #connect', :backend do
  let(:server) { tcp_server }

  it 'suspends until a client connects, and gives a socket of the right class' do
    accepted = spin { keep(backend.accept(server)) }
    wait_for(accepted)
    client = tcp_client(server)
    peer = accepted.await
    expect(peer).to be_an_instance_of(TCPSocket)
    client.write('hello')
    expect([backend.read(peer), peer.nonblock?, peer.close_on_exec?]).to eq(['hello', true, true])
  end

  it 'accepts on UNIX servers and on plain Sockets' do
    Dir.mktmpdir do |dir|
      unix = keep(UNIXServer.new(File.join(dir, 'socket')))
      accepted = spin { keep(backend.accept(unix)) }
      keep(UNIXSocket.new(File.join(dir, 'socket')))
      expect(accepted.await).to be_an_instance_of(UNIXSocket)
    end
    plain = keep(Socket.tcp_server_sockets('127.0.0.1', 0).first)
    accepted = spin { keep(backend.accept(plain)) }
    keep(Socket.tcp('127.0.0.1', plain.local_address.ip_port))
    expect(accepted.await).to be_an_instance_of(Socket)
  end

  it 'yields client after client until the block closes the server' do
    seen = []
    loop_fiber = spin do
      backend.accept_loop(server) do |client|
        seen << keep(client).class
        server.close if seen.size == 3
      end
    end
    3.times do |i|
      tcp_client(server)
      sleep 0 until seen.size > i
    end
    expect(loop_fiber.await).to be_nil
    expect(seen).to eq([TCPSocket] * 3)
  end

  it 'takes clients that came in a burst' do
    clients = Array.new(20) { tcp_client(server) }
    seen = 0
    loop_fiber = spin { backend.accept_loop(server) { |client| keep(client) && (seen += 1) } }
    sleep 0 until seen == clients.size
    loop_fiber.stop
    expect(seen).to eq(20)
  end

  it 'is left by break and by errors, and works again afterwards' do
    first = tcp_client(server)
    expect(backend.accept_loop(server) { |client| break keep(client).remote_address.ip_port })
      .to eq(first.local_address.ip_port)
    tcp_client(server)
    expect { backend.accept_loop(server) { |client| keep(client) && raise(KeyError) } }.to raise_error(KeyError)
    tcp_client(server)
    expect(keep(backend.accept(server))).to be_a(TCPSocket)
  end

  it 'lets two fibers accept on one server' do
    accepted = Array.new(2) { spin { keep(backend.accept(server)) } }
    wait_for(*accepted)
    2.times { tcp_client(server) }
    expect(accepted.map(&:await).uniq.size).to eq(2)
  end

  it 'ends with IOError when the server is closed from outside' do
    loop_fiber = spin { backend.accept_loop(server) { nil } }
    wait_for(loop_fiber)
    begin
      server.close
    rescue IOError
      nil
    end
    expect { loop_fiber.await }.to raise_error(IOError)
  end

  it 'raises EMFILE when there is no descriptor left, and keeps none back' do
    result = run_ruby(<<~'RUBY')
      require 'polyphony/core'
      require 'socket'
      Polyphony.run do
        server = TCPServer.new('127.0.0.1', 0)
        client = Socket.new(:INET, :STREAM)
        Polyphony.backend.connect(client, server.local_address)
        Process.setrlimit(:NOFILE, Dir.children('/proc/self/fd').size + 4)
        spare = []
        loop { spare << File.open('/dev/null') } rescue Errno::EMFILE
        begin
          Polyphony.backend.accept(server)
        rescue Errno::EMFILE => e
          puts e.class
        end
        spare.pop.close
        puts Polyphony.backend.accept(server).class
      end
    RUBY
    expect(result.stderr).to eq('')
    expect(result.stdout).to eq("Errno::EMFILE\nTCPSocket\n")
  end

  it 'connects to an Addrinfo or a packed address' do
    [server.local_address, server.local_address.to_sockaddr].each do |address|
      client = keep(Socket.new(:INET, :STREAM))
      expect(backend.connect(client, address)).to eq(0)
      peer = keep(backend.accept(server))
      backend.write(client, 'connected')
      expect(backend.read(peer)).to eq('connected')
    end
  end

  it 'raises what the connection fails with' do
    address = server.local_address
    server.close
    client = keep(Socket.new(:INET, :STREAM))
    expect { backend.connect(client, address) }.to raise_error(Errno::ECONNREFUSED)
    unix = keep(Socket.new(:UNIX, :STREAM))
    expect { backend.connect(unix, Addrinfo.unix('/nowhere/socket')) }.to raise_error(Errno::ENOENT)
  end

  # There is no event to wait for, so it says so: connect(2) has it that way, and so has Socket#connect_nonblock.
  it 'never says connected to a UNIX server whose backlog is full' do
    Dir.mktmpdir do |dir|
      address = Addrinfo.unix(File.join(dir, 'socket'))
      unix = keep(UNIXServer.new(address.unix_path))
      unix.listen(0)
      connected = 0
      expect do
        10.times { backend.connect(keep(Socket.new(:UNIX, :STREAM)), address) && (connected += 1) }
      end.to raise_error(Errno::EAGAIN)
      connected.times { expect(keep(backend.accept(unix))).to be_a(UNIXSocket) }
      expect(backend.connect(keep(Socket.new(:UNIX, :STREAM)), address)).to eq(0)
    end
  end

  it 'refuses what is no server and no address' do
    reader, = pipe
    expect { backend.accept(reader) }.to raise_error(TypeError, /no server socket/)
    expect { backend.accept(1) }.to raise_error(TypeError)
    expect { backend.accept_loop(server) }.to raise_error(LocalJumpError)
    expect { backend.connect(reader, server.local_address) }.to raise_error(TypeError, /no socket/)
    client = keep(Socket.new(:INET, :STREAM))
    expect { backend.connect(client, 80) }.to raise_error(TypeError)
    expect { backend.connect(client, 'short') }.to raise_error(SystemCallError)
    server.close
    expect { backend.accept(server) }.to raise_error(IOError, /closed/)
  end
end
