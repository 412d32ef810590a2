# frozen_string_literal: true

require 'fileutils'
require 'polyphony/adapters/redis'
require 'redis'
require 'socket'
require 'tmpdir'
require_relative 'fibers'
require_relative 'stalling_proxy'

# For specs of the Redis adapter, with the server that bin/test starts and names in REDIS_URL.
module RedisServer
  MISSING = 'no Redis server: bin/test starts one and names it by REDIS_URL'

  # A server of the example's own, to be killed and started again.
  class Own
    attr_reader :port, :dir

    Died = Class.new(StandardError)

    # @param port [Integer, nil] 0: it has none; see the arguments of a TLS port
    def initialize(*arguments, port: nil)
      @arguments = arguments
      @dir = Dir.mktmpdir
      tries = 0
      begin
        @port = port || RedisServer.free_port
        start
      rescue Died
        raise if port || (tries += 1) == 3 # somebody else may have taken the port

        retry
      end
    end

    def url = "redis://127.0.0.1:#{port}"

    def start
      @pid = spawn('redis-server', '--bind', '127.0.0.1', '--port', port.to_s, '--dir', dir, '--save', '', '--appendonly', 'no',
                   '--unixsocket', socket, *@arguments, out: File.join(dir, 'log'), err: %i[child out])
      wait_until_up
      self
    end

    def socket = File.join(dir, 'redis.sock')

    def kill(signal = :KILL)
      return unless @pid

      Process.kill(signal, @pid)
      Process.kill(:CONT, @pid)
      Process.wait(@pid)
      @pid = nil
    end

    def restart
      kill
      start
    end

    # Keeps its connections, and does nothing.
    def freeze_process = Process.kill(:STOP, @pid)
    def go_on = Process.kill(:CONT, @pid)

    def remove
      kill
      FileUtils.remove_entry(dir)
    end

    private

    def wait_until_up
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 20
      begin
        UNIXSocket.open(socket) { |io| io.write("PING\r\n") && io.readpartial(10) }
      rescue SystemCallError, EOFError
        late = Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
        gone = Process.wait(@pid, Process::WNOHANG)
        @pid = nil if gone
        raise Died, "redis-server: #{File.read(File.join(dir, 'log'))}" if gone || late

        sleep 0.01
        retry
      end
    end
  end

  # What says whatever the example has it say: a block for each connection.
  class Fake
    attr_reader :port

    def initialize(&serve)
      @server = TCPServer.new('127.0.0.1', 0)
      @port = @server.addr[1]
      @sockets = []
      @thread = Thread.new { loop { answer(@server.accept, serve) } }
      @thread.report_on_exception = false
    end

    def url = "redis://127.0.0.1:#{port}"

    def close
      @thread.kill.join
      [@server, *@sockets].each(&:close)
    end

    private

    def answer(socket, serve)
      @sockets << socket
      serve.call(socket)
    rescue SystemCallError, IOError
      nil
    end
  end

  def self.free_port = TCPServer.open('127.0.0.1', 0) { |server| server.addr[1] }

  # @return [Polyphony::Redis] closed after the example
  def open_redis(**options)
    Polyphony::Redis.new(**options).tap { |made| things << made }
  end

  # @return [Own] removed after the example
  def own_server(...) = Own.new(...).tap { |made| things << made }

  # @return [Fake]
  def fake_server(&serve) = Fake.new(&serve).tap { |made| things << made }

  # @return [StallingProxy]
  def proxy(port = URI(ENV.fetch('REDIS_URL')).port) = StallingProxy.new(port).tap { |made| things << made }

  def things = @things ||= []

  # A key that no other example has.
  def key(name = 'key') = "#{name}:#{Process.pid}:#{object_id}"

  # What the server does, seen over a connection of its own.
  def onlooker = @onlooker ||= RedisClient.config(url: ENV.fetch('REDIS_URL'), driver: :polyphony).new_client

  # @return [Integer] clients that the server lets wait in that command
  def clients(command, to: onlooker)
    to.call('CLIENT', 'LIST').lines.count { |line| line.include?(" cmd=#{command} ") && line[/ flags=(\w+)/, 1].include?('b') }
  end

  def self.install(config)
    config.include RedisServer, :redis
    config.before(:each, :redis) { skip MISSING unless ENV['REDIS_URL'] }
    config.after(:each, :redis) do
      things.reverse_each { |thing| thing.respond_to?(:remove) ? thing.remove : thing.close }
      @onlooker&.close
    end
  end
end

RSpec.configure { |config| RedisServer.install(config) }
