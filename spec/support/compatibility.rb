# frozen_string_literal: true

require 'socket'
require 'uri'
require 'tmpdir'
require_relative 'stock'

# Gems that were not written for Polyphony, as they are, under Polyphony::Scheduler and nothing else of ours. A group
# says how its gem fares, in the words of docs/compatibility.md, whose rows spec/compatibility/table_spec.rb compares:
#
#   RSpec.describe 'excon', compatibility: 'works' do
#     it 'gets a page' do
#       expect(through_gate(echoing_server) { |port| Excon.get("http://127.0.0.1:#{port}/").body }).to eq('GET /')
#     end
#   end
module Compatibility
  include Stock

  # Between a client and its server: what the server says is held back until the gate is opened.
  class Gate
    attr_reader :port

    def initialize(host, port)
      @target = [host, port]
      @opened = false
      @lock = Mutex.new
      @change = ConditionVariable.new
      @server = TCPServer.new('127.0.0.1', 0)
      @port = @server.addr[1]
      @threads = [Thread.new { loop { serve(@server.accept) } }]
    end

    def open
      @lock.synchronize do
        @opened = true
        @change.broadcast
      end
    end

    def close
      @threads.each(&:kill).each(&:join)
      @server.close
    end

    private

    def serve(client)
      server = TCPSocket.new(*@target)
      @threads << Thread.new { pass(client, server) } << Thread.new { pass(server, client) { wait } }
    end

    def wait
      @lock.synchronize { @change.wait(@lock) until @opened }
    end

    def pass(from, to)
      loop do
        bytes = from.readpartial(16_384)
        yield if block_given?
        to.write(bytes)
      end
    rescue SystemCallError, IOError
      nil
    ensure
      to.close_write unless to.closed?
    end
  end

  # Makes the call in a fiber beside a ticker. What the server says reaches it only when the ticker has run: a call that
  # blocks its thread never ends.
  #
  # @param server [String, Integer] a URL, or a port of 127.0.0.1
  # @yieldparam port [Integer] where to connect to instead
  # @return [Object] what the call returned
  def through_gate(server)
    host, port = server.is_a?(Integer) ? ['127.0.0.1', server] : URI.parse(server).then { |uri| [uri.host, uri.port] }
    gate = Gate.new(host, port)
    beside_ticker(gate.method(:open)) { yield gate.port }
  ensure
    gate&.close
  end

  # @return [Integer] the port of a server that answers each request with its method, path and body
  def echoing_server
    serve_each do |client|
      while (line = client.gets)
        length = 0
        while (header = client.gets) != "\r\n"
          length = header[/\d+/].to_i if header.downcase.start_with?('content-length')
        end
        body = "#{line[/\S+ \S+/]}#{client.read(length) if length.positive?}"
        client.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}")
      end
    end
  end

  # @yieldparam client [TCPSocket] each in a thread of its own
  # @return [Integer] port
  def serve_each
    server = TCPServer.new('127.0.0.1', 0)
    threads = @threads
    threads << Thread.new do
      loop do
        client = server.accept
        threads << Thread.new do
          yield client
        rescue SystemCallError, IOError
          nil
        ensure
          client.close
        end
      end
    end
    server.addr[1]
  end

  # Starts a program and waits until it listens.
  #
  # @return [Integer] pid
  def start_server(*command, port:, **options)
    pid = Process.spawn(*command, out: File::NULL, err: File::NULL, **options)
    @pids << pid
    200.times do
      TCPSocket.new('127.0.0.1', port).close
      return pid
    rescue Errno::ECONNREFUSED
      sleep 0.05
    end
    raise "#{command.first} does not listen at #{port}"
  end

  def unused_port = Addrinfo.tcp('127.0.0.1', 0).bind { |socket| socket.local_address.ip_port }

  # @return [String] the URL of a server that bin/test has started
  def server_url(variable)
    ENV[variable] || (ENV['CI'] ? raise("#{variable} is not set: run bin/test") : skip("bin/test starts the server that #{variable} tells"))
  end

  # @return [String] a program's path
  def executable(name)
    dirs = ENV['PATH'].split(File::PATH_SEPARATOR) + %w[/usr/sbin /sbin]
    dirs.map { |dir| File.join(dir, name) }.find { |path| File.executable?(path) } ||
      (ENV['CI'] ? raise("#{name} is not installed: run bin/test") : skip("#{name} is not installed"))
  end

  def self.install(config)
    config.include self, :compatibility
    config.around(:each, :compatibility) do |example|
      @threads = []
      @pids = []
      example.run
    ensure
      @threads.each(&:kill).each(&:join)
      @pids.each { |pid| Process.kill(:KILL, pid) && Process.wait(pid) }
    end
  end
end

RSpec.configure { |config| Compatibility.install(config) }
