# frozen_string_literal: true

require_relative '../support/stock'
require 'drb'
require 'expect'
require 'json'
require 'logger'
require 'open-uri'
require 'pstore'
require 'pty'
require 'resolv'
require 'tempfile'

RSpec.describe 'The standard library beside a ticker fiber', :stock do
  def tcp_server
    keep(TCPServer.new('127.0.0.1', 0))
  end

  describe 'open-uri' do
    it 'URI.open reads a page from a server of the same thread' do
      server = tcp_server
      event = lambda do
        client = server.accept
        nil until client.gets == "\r\n"
        client.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        client.close
      end
      expect(beside_ticker(event) { URI.open("http://127.0.0.1:#{server.addr[1]}/", &:read) }).to eq('hello')
    end
  end

  describe Resolv do
    # A name server that knows one name, for one question.
    def answer_one(socket, address)
      question, from = socket.recvfrom(512)
      message = Resolv::DNS::Message.decode(question)
      message.qr = message.ra = 1
      name = message.question.first.first
      message.add_answer(name, 60, Resolv::DNS::Resource::IN::A.new(address))
      socket.send(message.encode, 0, from[3], from[1])
    end

    def name_server
      keep(UDPSocket.new).tap { |socket| socket.bind('127.0.0.1', 0) }
    end

    def resolver(server)
      Resolv::DNS.new(nameserver_port: [['127.0.0.1', server.addr[1]]], search: [], ndots: 1)
    end

    if Stock::IO_SELECT_HOOK
      it 'Resolv::DNS asks a name server' do
        server = name_server
        resolver = resolver(server)
        address = beside_ticker(-> { answer_one(server, '192.0.2.7') }) { resolver.getaddress('polyphony.test').to_s }
        resolver.close
        expect(address).to eq('192.0.2.7')
      end
    else
      it 'Resolv::DNS with one name server waits with IO#wait: it cooperates even without a hook for IO.select' do
        server = name_server
        resolver = resolver(server)
        address = beside_ticker(-> { answer_one(server, '192.0.2.7') }) { resolver.getaddress('polyphony.test').to_s }
        resolver.close
        expect(address).to eq('192.0.2.7')
      end
    end

    it 'Resolv.getaddress of a name in /etc/hosts reads a file and never waits' do
      address = nil
      in_scheduler { Fiber.schedule { address = Resolv.getaddress('localhost') } }
      expect(address).to eq('127.0.0.1').or eq('::1')
    end
  end

  describe DRb do
    # In a process of its own: a call of an object in this one would not go over a connection.
    server = <<~'RUBY'
      require 'drb'
      class Gate
        def line = $stdin.gets
        def each_number(&block) = 3.times(&block)
        def fail = raise(IOError, 'far away')
      end
      DRb.start_service('druby://127.0.0.1:0', Gate.new)
      puts DRb.uri
      $stdout.flush
      DRb.thread.join
    RUBY

    # The client is a process of its own as well: DRb leaves its connections to the garbage collector.
    define_method(:with_remote) do |&example|
      in_child do
        process = IO.popen([RbConfig.ruby, '-e', server], 'r+')
        DRb.start_service('druby://127.0.0.1:0')
        example.call(process, DRbObject.new_with_uri(process.gets.chomp))
      ensure
        Process.kill(:KILL, process.pid)
        process.close
      end
    end

    it 'a call of a remote object waits for its answer' do
      line = with_remote { |process, remote| beside_ticker(-> { process.puts('hello') }) { remote.line } }
      expect(line).to eq("hello\n")
    end

    it 'a remote object calls a block of a fiber back' do
      numbers = with_remote do |process, remote|
        got = []
        beside_ticker(-> { process.puts('go') }) { remote.line and remote.each_number { |i| got << i } }
        got
      end
      expect(numbers).to eq([0, 1, 2])
    end

    it 'an error of the remote object is raised in the fiber' do
      expect do
        with_remote { |process, remote| beside_ticker(-> { process.puts('go') }) { remote.line and remote.fail } }
      end.to raise_error(IOError, 'far away')
    end
  end

  describe Logger do
    it 'logs to a full pipe' do
      reader, writer = pipe
      nil until writer.write_nonblock('.' * 4096, exception: false) == :wait_writable
      logger = Logger.new(writer, formatter: ->(_, _, _, text) { "#{text}\n" })
      expect(beside_ticker(-> { reader.readpartial(65_536) }) { logger.info('hello') }).to be(true)
      expect(reader.readpartial(65_536)).to end_with("hello\n")
    end

    it 'whole lines of many fibers, to a file' do
      logger = Logger.new(scratch('log'), formatter: ->(_, _, _, text) { "#{text}\n" })
      in_scheduler do
        10.times { |i| Fiber.schedule { 10.times { |j| logger.info("#{i} #{j}") and sleep(0) } } }
      end
      logger.close
      expect(File.readlines(scratch('log'), chomp: true).drop(1).size).to eq(100)
    end
  end

  describe PTY do
    it 'PTY.open: a terminal in this process' do
      master, terminal = PTY.open.each { |io| keep(io) }
      expect(beside_ticker(-> { terminal.puts('hello') }) { master.gets }).to eq("hello\r\n")
    end

    call = ->(io) { io.expect(/name: /, 60) }
    if Stock::IO_SELECT_HOOK
      it 'IO#expect' do
        reader, writer = pipe
        expect(beside_ticker(-> { writer.write('name: ') }) { call.call(reader) }).to eq(['name: '])
      end
    else
      it 'IO#expect waits with IO.select: it blocks the thread (Ruby < 3.2)' do
        reader, writer = pipe
        expect(blocks_the_thread(-> { writer.write('name: ') }) { call.call(reader) }).to eq(['name: '])
      end
    end
  end

  it 'Tempfile, JSON and PStore in fibers: files, so nothing waits, and nothing breaks' do
    read = []
    in_scheduler do
      5.times do |i|
        Fiber.schedule do
          store = PStore.new(scratch("store #{i}"))
          store.transaction { store[:json] = JSON.generate([i]) }
          Tempfile.create { |file| (file << i) and file.flush }
          read << JSON.parse(store.transaction(true) { store[:json] }).first
        end
      end
    end
    expect(read).to match_array(0...5)
  end
end
