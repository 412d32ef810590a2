# frozen_string_literal: true

require 'socket'
require 'fileutils'
require 'tmpdir'
require_relative 'run_ruby'
require_relative 'http_client'

# `polyphony serve` in a process, and a folder, of its own.
module HttpOperation
  # Answers with the number of its process.
  APP = "proc { |request| request.respond(Process.pid.to_s) }\n"

  # The process, as the spec sees it. Waiting is for a condition; the watchdog of the suite is the limit.
  class Program
    # @return [Integer]
    attr_reader :pid
    # @return [String] the folder it runs in
    attr_reader :folder

    def initialize(folder, arguments, env, command: nil, **options)
      @folder = folder
      @log = File.join(folder, 'stderr')
      @output = File.join(folder, 'stdout')
      command ||= [RbConfig.ruby, *Support::RunRuby::LOAD_PATH, File.join(ROOT, 'exe/polyphony'), 'serve']
      @pid = Process.spawn({ 'WEB_CONCURRENCY' => nil, 'PORT' => nil, **env }, *command, *arguments,
                           in: File::NULL, out: [@output, 'a'], err: [@log, 'a'], chdir: folder, pgroup: true, **options)
      @waiter = Process.detach(@pid)
    end

    def log = File.exist?(@log) ? File.read(@log) : ''

    def output = File.read(@output)

    # @return [Object] what the block gives, as soon as that is something
    def wait_until(what)
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 40
      until (value = yield)
        raise "#{what}: it does not come\n#{log}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

        sleep 0.01
      end
      value
    end

    # @return [MatchData] of the log
    def wait_for(pattern, times = 1)
      wait_until(pattern.inspect) do
        raise "it ended without #{pattern.inspect}:\n#{log}" if !@waiter.alive? && log.scan(pattern).size < times

        log.scan(pattern).size >= times && pattern.match(log)
      end
    end

    # @return [Program] when it listens
    def ready
      wait_for(/: listening on /)
      self
    end

    # @return [Array<String>]
    def addresses = log[/listening on (.*?)(?: with|, process)/, 1].split

    def address = addresses.first

    def port = Integer(address[/\d+\z/])

    # @return [String] the body
    def get(path = '/', address: self.address)
      client = HttpServer::Client.open(address)
      client.request('GET', path, headers: { 'Connection' => 'close' }).body
    ensure
      client&.close
    end

    # @return [Array<Integer>] numbers of the workers
    def workers
      File.read("/proc/#{@pid}/task/#{@pid}/children").split.map(&:to_i)
    end

    # @return [Array<Integer>] when there are that many
    def wait_for_workers(count)
      wait_until("#{count} workers") { workers.size == count && workers }
    end

    def title(pid = @pid) = File.read("/proc/#{pid}/cmdline").tr("\0", ' ').strip

    def signal(name, pid = @pid) = Process.kill(name, pid)

    def alive? = @waiter.alive?

    # @return [Process::Status] when it has ended
    def wait = @waiter.value

    # @return [Process::Status]
    def stop(name = :TERM)
      signal(name)
      wait
    end

    def kill
      Process.kill(:KILL, -@pid)
    rescue Errno::ESRCH, Errno::EPERM
      nil
    ensure
      @waiter.join
    end
  end

  # @param arguments [Array<String>] of the command line; without -b, a free port
  # @param files [Hash{String => String}] in its folder; app.rb is {APP} unless it is there
  # @return [Program] killed when the example ends
  def operate(*arguments, files: {}, env: {}, command: nil, **options)
    folder = operation_folder(files)
    bound = command || arguments.include?('-b') || env.key?('PORT') || files.each_value.any? { |text| text.include?('bind ') }
    arguments = ['-b', 'http://127.0.0.1:0', *arguments] unless bound
    Program.new(folder, arguments, env, command: command, **options).tap { |program| @programs << program }
  end

  # @return [String] path of the folder, removed when the example ends
  def operation_folder(files = {})
    @programs ||= []
    folder = Dir.mktmpdir('operation')
    (@folders ||= []) << folder
    { 'app.rb' => APP, **files }.each do |name, text|
      FileUtils.mkdir_p(File.dirname(File.join(folder, name)))
      File.write(File.join(folder, name), text)
    end
    folder
  end

  # Runs it to its end: for what does not start.
  # @return [Array(Integer, String)] status and log
  def operate_in_vain(*arguments, **options)
    program = operate(*arguments, **options)
    [program.wait.exitstatus, program.log]
  end

  def self.install(config)
    config.include HttpOperation
    config.after do
      @programs&.each(&:kill)
      @folders&.each { |folder| FileUtils.rm_rf(folder) }
    end
  end
end

RSpec.configure { |config| HttpOperation.install(config) }
