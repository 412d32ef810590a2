# frozen_string_literal: true

require_relative 'http_server'

# What specs of attacks and faults need: certificates, many descriptors, clients that work while something
# happens to the server.
module HttpCrowd
  # Clients in threads, each with connections of a few requests, until they are told to stop.
  class Crowd
    # @return [Array<String>] what went wrong
    attr_reader :errors

    # @param open [Proc] gives a HttpServer::Client
    # @param size [Integer] threads
    # @param path [String]
    def initialize(open, size: 4, path: '/')
      @open = open
      @path = path
      @errors = Queue.new
      @served = Array.new(size, 0)
      @threads = Array.new(size) { |index| Thread.new { work(index) } }
    end

    # @return [Integer] requests that were answered
    def served = @served.sum

    # Waits for so many more.
    def await(more)
      goal = served + more
      Thread.pass until served >= goal || @threads.none?(&:alive?)
      sleep 0.001 until served >= goal || @threads.none?(&:alive?)
    end

    # @return [Array<String>] what went wrong
    def stop
      @stopping = true
      @threads.each(&:join)
      Array.new(@errors.size) { @errors.pop }
    end

    private

    def work(index)
      converse(index) until @stopping
    end

    # A client that keeps to the rules: it opens a new connection after `connection: close`.
    def converse(index)
      client = @open.call
      20.times do
        response = client.get(@path)
        response.status == 200 ? @served[index] += 1 : @errors << "status #{response.status}"
        break if @stopping || !response.keep_alive?
      end
    rescue SystemCallError, StopIteration, IOError => e
      @errors << "#{e.class}: #{e.message}"
    ensure
      client&.close
    end
  end

  # @return [HttpCrowd::Crowd] stopped when the example ends
  def crowd(server, **options)
    Crowd.new(-> { server.connect }, **options).tap { |crowd| (@crowds ||= []) << crowd }
  end

  # @return [HttpServer::Response] to a request on a connection of its own
  def fetch(server, path = '/')
    client = server.connect
    client.get(path)
  ensure
    client&.close
  end

  # Lets this process have +count+ descriptors.
  def allow_descriptors(count)
    soft, hard = Process.getrlimit(:NOFILE)
    return if soft >= count
    raise "the specs need #{count} descriptors; `ulimit -Hn` is #{hard}" if hard < count

    Process.setrlimit(:NOFILE, count, hard)
  end

  # Says a figure that the example has measured.
  def figure(text)
    RSpec.configuration.reporter.message("    #{text}")
  end

  # Waits, in a thread, until the block is true.
  def eventually
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + Fibers::PATIENCE
    until (value = yield)
      raise 'what the example waits for did not happen' if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.01
    end
    value
  end

  # Ruby that a server's program needs for TLS: `tls: TLS_OPTIONS`.
  CERTIFICATE = <<~RUBY
    require 'openssl'
    TLS_OPTIONS = begin
      key = OpenSSL::PKey::EC.generate('prime256v1')
      certificate = OpenSSL::X509::Certificate.new
      certificate.version = 2
      certificate.serial = 1
      certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse('/CN=localhost')
      certificate.public_key = key
      certificate.not_before = Time.now - 60
      certificate.not_after = Time.now + 86_400
      { cert: certificate.sign(key, 'SHA256'), key: key }
    end
  RUBY

  # @return [Hash] the same, for a server in this process
  def tls_options
    HttpCrowd.tls_options
  end

  def self.tls_options
    @tls_options ||= Module.new.module_eval("#{CERTIFICATE}; TLS_OPTIONS", __FILE__, __LINE__)
  end

  def self.install(config)
    config.include HttpCrowd
    config.after { @crowds&.each(&:stop) }
  end
end

RSpec.configure { |config| HttpCrowd.install(config) }
