# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/virtual_time'
require 'logger'

RSpec.describe Polyphony::HTTP::Server, :fibers do
  def socket_path = "#{Dir.tmpdir}/polyphony-#{Process.pid}-#{rand(1 << 60)}.sock"

  describe 'addresses' do
    it 'are where it listens, with the port that was found' do
      server = serve(bind: %w[http://127.0.0.1:0 http://localhost:0], &:respond)
      expect(server.server.addresses.first).to match(%r{\Ahttp://127\.0\.0\.1:[1-9]\d*\z})
      expect(server.server.addresses.each_index.map { |i| server.connect(i).get.status }.uniq).to eq([200])
      expect(server.server.inspect).to include('Polyphony::HTTP::Server http://127.0.0.1:', 'connections=')
    end

    it 'may be IPv6' do
      server = serve(bind: 'http://[::1]:0') { |request| request.respond(request.remote_ip) }
      expect(server.address).to match(%r{\Ahttp://\[::1\]:\d+\z})
      expect(server.get.body).to eq('::1')
    end

    it 'may be UNIX sockets, which are gone afterwards' do
      path = socket_path
      server = serve(bind: "unix://#{path}") { |request| request.respond([request.remote_ip, request.peer_address.unix?, request.scheme].inspect) }
      expect([server.address, server.get.body]).to eq(["unix://#{path}", '["", true, "http"]'])
      server.server.stop
      expect(File.exist?(path)).to be(false)
    end

    it 'may be a socket that somebody else has opened' do
      listener = TCPServer.new('127.0.0.1', 0)
      listener.autoclose = false # the server closes it
      server = serve(bind: "fd://#{listener.fileno}", &:respond)
      expect([server.port, server.get.status]).to eq([listener.local_address.ip_port, 200])
    end

    it 'replace the file of a server that is gone, and no other' do
      path = socket_path
      UNIXServer.new(path).close
      server = serve(bind: "unix://#{path}", &:respond)
      expect(server.get.status).to eq(200)
      expect { described_class.new(bind: "unix://#{path}", &:respond).listen }.to raise_error(SystemCallError, /cannot listen at unix:/)
      expect(server.get.status).to eq(200)
    ensure
      FileUtils.rm_f(path)
    end

    it 'that are taken, or none, are refused with their names' do
      taken = TCPServer.new('127.0.0.1', 0)
      { "http://127.0.0.1:#{taken.local_address.ip_port}" => Errno::EADDRINUSE, 'http://192.0.2.1:0' => Errno::EADDRNOTAVAIL, 'unix:///nowhere/x.sock' => Errno::ENOENT, 'fd://9999' => Errno::EBADF }.each do |bind, error|
        expect { described_class.new(bind: bind, log: nil, &:respond).listen }.to raise_error(error, /#{Regexp.escape(bind)}/)
      end
      ['127.0.0.1:80', 'http://', 'http://a:b', 'http://a:99999', 'http://a/path', 'ftp://a', 'unix://', 'fd://x', 'http://[::1', ''].each do |bind|
        expect([bind, error_of { described_class.new(bind: bind, &:respond) }.class]).to eq([bind, ArgumentError])
      end
    end

    it 'are all closed when one of them cannot be had' do
      first = "http://127.0.0.1:#{TCPServer.open('127.0.0.1', 0) { |socket| socket.local_address.ip_port }}"
      expect { described_class.new(bind: [first, 'http://192.0.2.1:0'], &:respond).listen }.to raise_error(Errno::EADDRNOTAVAIL)
      expect(serve(bind: first, &:respond).get.status).to eq(200)
    end

    it 'can be shared' do
      first = serve(reuse_port: true, &:respond)
      second = serve(bind: first.address, reuse_port: true, &:respond)
      expect([second.address, first.get.status]).to eq([first.address, 200])
    end
  end

  it 'needs a handler, and limits that are some' do
    expect { described_class.new }.to raise_error(ArgumentError, /the handler, is required/)
    expect { described_class.new(body_size: 1, &:respond) }.to raise_error(ArgumentError, /no limit is named body_size/)
    expect { Polyphony::HTTP.serve(bind: 'x') { nil } }.to raise_error(ArgumentError)
  end

  it 'logs to an IO, a Logger, or nowhere' do
    text = StringIO.new
    [Logger.new(text, formatter: ->(level, _, _, message) { "#{level} #{message}\n" }), nil].each do |log|
      server = described_class.new(bind: 'http://127.0.0.1:0', log: log) { raise 'on purpose' }.listen
      fiber = spin { server.run }
      client = HttpServer::Client.open(server.addresses.first)
      expect(client.get.status).to eq(500)
      client = HttpServer::Client.open(server.addresses.first) << "BAD\r\n\r\n"
      client.rest
      fiber.stop
    end
    expect(text.string).to start_with('ERROR GET /: ').and include("on purpose (RuntimeError)\n").and match(/^WARN 127.0.0.1:\d+: .* \(\d{3}\)$/)
  end

  it 'serves as `serve`, in a program that does other things, until its fiber is stopped' do
    path = socket_path
    fiber = spin { Polyphony::HTTP.serve(bind: "unix://#{path}", log: nil) { |request| request.respond('x') } }
    wait_until { File.exist?(path) }
    expect(HttpServer::Client.open("unix://#{path}").get.body).to eq('x')
    fiber.stop
    expect(error_of { UNIXSocket.new(path) }).to be_a(SystemCallError)
  end

  describe '#stop' do
    it 'refuses new connections, and ends those without a request', :virtual_time do
      server = serve(bind: "unix://#{socket_path}", &:respond)
      server.address
      idle = server.connect
      fresh = server.connect
      idle.get
      server.server.stop
      expect([idle.rest, fresh.rest, server.server.draining?, server.server.connections, server.fiber.await]).to eq(['', '', true, 0, nil])
      expect(error_of { server.connect }).to be_a(SystemCallError)
      expect(time).to be <= 3
    end

    it 'lets requests finish, and says that they are the last' do
      gate = Polyphony::Event.new
      server = serve do |request|
        gate.wait if request.path == '/slow'
        request.respond(request.path)
      end
      client = server.connect << "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
      settle
      stopper = waiting { server.server.stop }
      expect(stopper.alive?).to be(true)
      gate.set
      response = client.response
      expect([response.body, response.keep_alive?, client.rest]).to eq(['/slow', false, ''])
      stopper.await
      expect([server.log, server.fiber.alive?]).to eq(['', false])
    end

    it 'serves a request that is on its way as it begins', :virtual_time do
      server = serve(bind: "unix://#{socket_path}", &:respond)
      client = server.connect
      client.get
      stopper = waiting { server.server.stop }
      response = client.get
      expect([response.status, response.keep_alive?, client.rest]).to eq([200, false, ''])
      stopper.await
    end

    it 'cuts what takes longer than the grace, and says so', :virtual_time do
      ended = nil
      server = serve(bind: "unix://#{socket_path}") do |request|
        sleep 1000
        request.respond
      ensure
        ended = time
      end
      client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      settle
      began = time
      server.server.stop(grace: 5)
      expect([ended - began, server.lines]).to eq([5.0, ['polyphony: 1 connections were cut when the server stopped']])
      expect(client.rest).to eq('')
    end

    it 'can be called before it runs, twice, and when a handler wants it' do
      stopping = Polyphony::Channel.new
      server = described_class.new(bind: 'http://127.0.0.1:0', &:respond).listen
      server.stop
      running = serve do |request|
        request.respond
        stopping << true
      end
      spin { stopping.receive && running.server.stop }
      expect(running.get.status).to eq(200)
      running.fiber.await
      expect(running.server.stop).to be_nil
    end
  end

  it 'gives everything back when its fiber is stopped in the middle' do
    GC.start # descriptors that other examples have left to it
    before = Dir.children('/proc/self/fd').size
    server = serve { |request| request.path == '/wait' ? sleep : request.respond }
    clients = Array.new(10) { server.connect << "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n" }
    clients << server.connect
    clients.last.get
    settle
    server.fiber.stop
    expect(clients.map { |client| error_of { client.rest } }).to all(be_nil.or(be_a(Errno::ECONNRESET)))
    clients.each(&:close)
    expect(server.server.connections).to eq(0)
    expect(Dir.children('/proc/self/fd').size).to be <= before
  end
end
