# frozen_string_literal: true

require 'open3'
require 'polyphony/http'
require_relative 'http_client'

# The program of `rake load:http[requests,connections]`: a server in a process of its own gets that many requests
# from h2load, over HTTP/1 and HTTP/2, as many from wrk, and then so many connections that stay open and do nothing.
# Ends with 1 when one request has failed, or when a connection takes more memory than it may.
class HttpLoad
  # KB that an idle connection may take, with its fiber.
  MOST = 24
  # Connections of the clients.
  CLIENTS = 50
  # Threads of fibers, descriptors of clients: what the process must be able to open besides.
  SPARE = 200

  def initialize(requests, connections)
    @requests = requests
    @connections = connections
    open_files(connections + SPARE)
  end

  # @return [Boolean] whether all was well
  def run
    start
    results = [h2load, pipelined, http2, wrk, idle].compact
    print_server
    results.all?
  ensure
    Process.kill(:KILL, @pid) if @pid
  end

  private

  # Beyond the hard limit only root may go.
  def open_files(number)
    most = [Process.getrlimit(:NOFILE).last, number].max
    Process.setrlimit(:NOFILE, number, most)
  rescue Errno::EPERM
    abort "load: #{@connections} connections need as many open files; the limit is #{Process.getrlimit(:NOFILE).last} (ulimit -Hn)"
  end

  def start
    reader, writer = IO.pipe
    @errors, errors = IO.pipe
    @pid = fork { serve(writer, errors) }
    [writer, errors].each(&:close)
    @address = reader.gets.chomp
  end

  def serve(writer, errors)
    $stderr.reopen(errors)
    Polyphony.run do
      server = Polyphony::HTTP::Server.new(bind: 'http://127.0.0.1:0', connections: nil, idle_timeout: nil, requests: nil) do |request|
        GC.start if request.path == '/gc'
        request.respond("hello\n", { 'content-type' => 'text/plain' })
      end
      writer.puts server.listen.addresses.first
      writer.close
      server.run
    end
  end

  # @return [String] its output
  def command(*arguments)
    output, status = Open3.capture2e('timeout', '--kill-after=5', '900', *arguments)
    abort "load: #{arguments.join(' ')} failed:\n#{output}" unless status.success?
    output
  end

  def h2load
    output = command('h2load', '--h1', '-n', @requests.to_s, '-c', CLIENTS.to_s, '-t', '1', "#{@address}/")
    report('h2load', output[/^requests: (.*)/, 1], output[%r{([\d.]+) req/s}, 1], output.include?("#{@requests} succeeded, 0 failed, 0 errored, 0 timeout"))
  end

  def pipelined
    output = command('h2load', '--h1', '-m', '16', '-n', @requests.to_s, '-c', CLIENTS.to_s, '-t', '1', "#{@address}/")
    report('h2load, 16 at a time', output[/^requests: (.*)/, 1], output[%r{([\d.]+) req/s}, 1], output.include?("#{@requests} succeeded, 0 failed, 0 errored, 0 timeout"))
  end

  # Over HTTP/2, 100 streams at a time in each connection.
  def http2
    output = command('h2load', '-m', '100', '-n', @requests.to_s, '-c', CLIENTS.to_s, '-t', '1', "#{@address}/")
    report('h2load, HTTP/2', output[/^requests: (.*)/, 1], output[%r{([\d.]+) req/s}, 1], output.include?("#{@requests} succeeded, 0 failed, 0 errored, 0 timeout"))
  end

  # wrk counts seconds, not requests: rounds, until there were enough.
  def wrk
    done = 0
    well = true
    rate = nil
    while done < @requests
      seconds = rate ? ((@requests - done) / rate).ceil.clamp(1, 60) : 1
      output = command('wrk', '-t', '1', '-c', CLIENTS.to_s, '-d', seconds.to_s, "#{@address}/")
      done += Integer(output[/(\d+) requests in/, 1])
      rate = Float(output[%r{Requests/sec:\s+([\d.]+)}, 1])
      well &&= !output.match?(/Socket errors|Non-2xx/)
    end
    report('wrk', "#{done} requests", rate, well)
  end

  def report(client, text, rate, well)
    puts "#{client}: #{text}, #{rate} a second: #{well ? 'no error' : 'ERRORS'}"
    well
  end

  # A connection that has asked once, and stays.
  def idle
    return if @connections.zero?

    before = memory
    clients = Array.new(@connections) { HttpServer::Client.open(@address).tap(&:get) }
    sleep 3 # idle connections give back what they can, within two rounds of the server's clock
    each = (memory - before) / @connections.to_f
    well = each <= MOST && clients.all? { |client| client.get.status == 200 }
    puts format('%<count>d idle connections: %<each>.1f KB each (at most %<most>d)%<well>s', count: @connections, each: each, most: MOST, well: well ? '' : ': TOO MUCH')
    well
  end

  def memory
    3.times { HttpServer::Client.open(@address).get('/gc') }
    Integer(File.read("/proc/#{@pid}/status")[/^VmRSS:\s+(\d+)/, 1])
  end

  def print_server
    text = @errors.read_nonblock(65_536, exception: false)
    puts "the server has logged:\n#{text}" if text.is_a?(String)
  end
end

$stdout.sync = true
exit HttpLoad.new(*ARGV.map { |text| Integer(text) }).run
