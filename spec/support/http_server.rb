# frozen_string_literal: true

require 'polyphony/http'
require 'stringio'
require_relative 'fibers'
require_relative 'http_client'

# Servers for specs, and clients for them.
#
# `serve` starts one in the process of the spec: the example is marked `:fibers`, and the server ends with it.
# `serve_in_child` starts one in a process of its own: for signals, memory, and clients that block. Both listen
# at a free port of 127.0.0.1 unless they are told otherwise, and are ready when they are returned.
module HttpServer
  # A server in this process.
  class Running
    # @return [Polyphony::HTTP::Server]
    attr_reader :server
    # @return [Polyphony::Fiber] in which it runs
    attr_reader :fiber

    def initialize(server, fiber, log)
      @server = server
      @fiber = fiber
      @log = log
    end

    # @return [String] what the server has logged
    def log = @log.string

    # @return [Array<String>]
    def lines = log.lines(chomp: true)

    # @return [String] as http://127.0.0.1:34567
    def address(index = 0) = server.addresses.fetch(index)

    # @return [String] for curl
    def url(path = '/') = "#{address}#{path}"

    # @return [Integer]
    def port = Integer(address[/\d+\z/])

    # @return [HttpServer::Client] connected
    def connect(index = 0, **options) = Client.open(address(index), **options)

    # @return [HttpServer::Response] to a request on a connection of its own
    def get(path = '/', **options)
      client = connect
      client.request('GET', path, **options)
    ensure
      client&.close
    end
  end

  # A server in a process of its own.
  class Child
    # @return [Integer]
    attr_reader :pid
    # @return [Array<String>]
    attr_reader :addresses

    def initialize(pid, output, errors)
      @pid = pid
      @errors = errors
      @reader = Thread.new { output.read }
      @waiter = Process.detach(pid)
    end

    # Waits until it has said where it listens.
    def await(count)
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + Fibers::PATIENCE
      until (@addresses = log.scan(%r{(?:https?|unix)://[^\s,]+}).uniq).size >= count
        raise "the server did not start:\n#{log}" if !@waiter.alive? || Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

        sleep 0.01
      end
      self
    end

    # @return [String] what it has written to standard error
    def log = File.read(@errors.path)

    def address(index = 0) = addresses.fetch(index)

    def url(path = '/') = "#{address}#{path}"

    def port = Integer(address[/\d+\z/])

    def connect(index = 0, **options) = Client.open(address(index), **options)

    # @return [Integer] KB of memory
    def memory = Integer(File.read("/proc/#{pid}/status")[/^VmRSS:\s+(\d+)/, 1])

    def signal(name) = Process.kill(name, pid)

    # @return [Process::Status] when it has ended
    def wait = @waiter.value

    # @return [String] what it has written to standard output, when it has ended
    def output = @reader.value

    def kill
      Process.kill(:KILL, -pid)
    rescue Errno::ESRCH, Errno::EPERM
      nil
    ensure
      @waiter.join
      @errors.close!
    end
  end

  def self.install(config)
    config.include HttpServer
    config.after { @http_children&.each(&:kill) }
  end

  # @param options [Hash] of Polyphony::HTTP::Server; the log is gathered (see {Running#log})
  # @yieldparam request [Polyphony::HTTP::Request]
  # @return [HttpServer::Running]
  def serve(bind: 'http://127.0.0.1:0', **options, &handler)
    log = StringIO.new
    server = Polyphony::HTTP::Server.new(bind: bind, log: log, **options, &handler).listen
    Running.new(server, Polyphony.spin(:server) { server.run }, log)
  end

  # @param handler [String] Ruby: a handler's body; the request is `request`
  # @param options [String] Ruby: arguments of the server besides `bind:`
  # @param prelude [String] Ruby that comes before
  # @param bind [String, Array<String>]
  # @param command [Array<String>] instead of all this: arguments of `polyphony serve`
  # @return [HttpServer::Child] killed when the example ends
  def serve_in_child(handler = nil, options: '', prelude: '', bind: 'http://127.0.0.1:0', command: nil, env: {},
                     chdir: ROOT, open_files: nil)
    binds = [*bind]
    arguments = command ? [File.join(ROOT, 'exe/polyphony'), 'serve', *command] : ['-e', program(handler, binds, options, prelude)]
    child = start_child(arguments, env, chdir: chdir, **(open_files ? { rlimit_nofile: open_files } : {}))
    child.await(command ? 1 : binds.size)
  end

  # @return [Support::RunRuby::Result]
  def curl(*arguments, **options)
    run_command('curl', '--silent', '--show-error', '--max-time', '25', *arguments, **options)
  end

  private

  def start_child(arguments, env, **options)
    errors = Tempfile.new('server')
    output, writer = IO.pipe
    pid = Process.spawn(env, RbConfig.ruby, *Support::RunRuby::LOAD_PATH, *arguments,
                        in: File::NULL, out: writer, err: errors.path, pgroup: true, **options)
    writer.close
    Child.new(pid, output, errors).tap { |child| (@http_children ||= []) << child }
  end

  def program(handler, binds, options, prelude)
    <<~RUBY
      require 'polyphony/http'
      #{prelude}
      Polyphony.run do
        server = Polyphony::HTTP::Server.new(#{["bind: #{binds.inspect}", options].reject(&:empty?).join(', ')}) do |request|
          #{handler}
        end
        warn server.listen.addresses.join(' ')
        server.run
      end
    RUBY
  end
end

RSpec.configure { |config| HttpServer.install(config) }
