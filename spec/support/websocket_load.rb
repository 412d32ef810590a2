# frozen_string_literal: true

require 'polyphony/http'
require_relative 'websocket_client'

# The program of `rake load:websocket[sockets]`: so many WebSockets that are idle, and then all get what one of them
# says. Prints what each takes of the server's memory, and how long it took until all had it. Ends with 1 when
# something is missing, or takes too much.
class WebSocketLoad
  # KB that an idle WebSocket may take, with its fiber.
  MOST = 32
  ROUNDS = 5

  def initialize(sockets)
    @count = sockets
    needed = sockets + 200
    Process.setrlimit(:NOFILE, needed, [Process.getrlimit(:NOFILE).last, needed].max)
  rescue Errno::EPERM
    abort "load: #{sockets} sockets need as many open files; the limit is #{Process.getrlimit(:NOFILE).last} (ulimit -Hn)"
  end

  # @return [Boolean] whether all was well
  def run
    start
    before = memory
    @sockets = Array.new(@count) { open_socket }
    sleep 3 # they give back what they can, within two rounds of the server's clock
    well = idle((memory - before) / @count.to_f)
    well & fan_out & closing
  ensure
    Process.kill(:KILL, @pid) if @pid
  end

  private

  def start
    reader, writer = IO.pipe
    @pid = fork { serve(writer) }
    writer.close
    @address = reader.gets.chomp
    Array.new(50) { open_socket }.each { |socket| socket.client.close } # what is made once is none of theirs
  end

  def serve(writer)
    topic = Polyphony::Topic.new
    Polyphony.run do
      server = Polyphony::HTTP::Server.new(bind: 'http://127.0.0.1:0', connections: nil) do |request|
        request.path == '/gc' ? collect(request) : request.websocket { |ws| ws.subscribe(topic).each { |message| topic << message } }
      end
      writer.puts server.listen.addresses.first
      writer.close
      server.run
    end
  end

  def collect(request)
    GC.start
    request.respond
  end

  def open_socket = WebSocketClient.new(HttpServer::Client.open(@address))

  def memory
    3.times { HttpServer::Client.open(@address).get('/gc') }
    Integer(File.read("/proc/#{@pid}/status")[/^VmRSS:\s+(\d+)/, 1])
  end

  def idle(each)
    puts format('%<count>d idle WebSockets: %<each>.1f KB each (at most %<most>d)%<well>s', count: @count, each: each, most: MOST, well: each <= MOST ? '' : ': TOO MUCH')
    each <= MOST
  end

  def fan_out
    times = Array.new(ROUNDS) do |round|
      began = now
      @sockets.sample << "news #{round}"
      return false unless @sockets.all? { |socket| socket.receive == "news #{round}" }

      now - began
    end
    puts format('a message to all of them: %<time>.0f ms', time: times.min * 1000)
    true
  end

  def closing
    well = @sockets.all? { |socket| socket.close == [1000, ''] }
    puts "closed#{': NOT ALL' unless well}"
    well
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

exit WebSocketLoad.new(Integer(ARGV.fetch(0, '10000'))).run if $PROGRAM_NAME == __FILE__
