# frozen_string_literal: true

require 'polyphony/http'
require_relative 'http2_client'

# The program of `rake load:http2_memory[connections,streams]`: so many connections, each with so many requests at a
# time, in one process. First their answers wait for a window, then their handlers wait; after that all of them are
# answered. Says what each takes, and ends with 1 when one is not answered, or takes more than it may.
class HTTP2Memory
  # KB that a stream may take whose answer waits, and one whose handler does.
  MOST = { answer: 12, handler: 40 }.freeze
  # Maps of memory that a process needs besides those of fibers, which are two each.
  SPARE_MAPS = 8000

  def initialize(connections, streams)
    @connections = connections
    @streams = streams
    limit = [Process.getrlimit(:NOFILE).last, connections + 200].max
    Process.setrlimit(:NOFILE, connections + 200, limit)
  end

  # @return [Boolean]
  def run
    [measure(:answer, '/answer', @connections), measure(:handler, '/wait', [@connections, most_fibers / @streams].min)].all?
  end

  private

  # Each fiber has a stack, and that a guard page: the kernel counts two maps.
  def most_fibers
    (Integer(File.read('/proc/sys/vm/max_map_count')) - SPARE_MAPS) / 2
  rescue SystemCallError
    Float::INFINITY
  end

  def measure(kind, path, connections)
    start
    empty = memory
    clients = Array.new(connections) { connect(path) }
    expected = connections * @streams
    sleep 0.05 until Integer(get('/count')) == expected
    each = (memory - empty) / expected.to_f
    get('/open')
    well = clients.all? { |client| finished?(client) } && each <= MOST.fetch(kind)
    puts format('%<connections>d connections with %<streams>d streams each, whose %<kind>s waits: %<each>.1f KB a stream, %<connection>d KB a connection (at most %<most>d a stream)%<well>s',
                connections: connections, streams: @streams, kind: kind, each: each, connection: each * @streams, most: MOST.fetch(kind), well: well ? '' : ': NOT WELL')
    well
  ensure
    clients&.each(&:close)
    Process.kill(:KILL, @pid)
    Process.wait(@pid)
  end

  def start
    reader, writer = IO.pipe
    @pid = fork { serve(writer) }
    writer.close
    @address = reader.gets.chomp
  end

  def serve(writer)
    Polyphony.run do
      count = 0
      gate = Polyphony::Event.new
      server = Polyphony::HTTP::Server.new(bind: 'http://127.0.0.1:0', connections: nil, idle_timeout: nil, write_timeout: nil, handler_timeout: nil) do |request|
        case request.path
        when '/count' then request.respond(count.to_s)
        when '/memory' then GC.start || request.respond(File.read('/proc/self/status')[/^VmRSS:\s+(\d+)/, 1])
        when '/open' then gate.set && request.respond
        else
          count += 1
          gate.wait if request.path == '/wait'
          request.respond('x' * 100)
        end
      end
      writer.puts server.listen.addresses.first
      writer.close
      server.run
    end
  end

  def get(path)
    client = HttpServer::Client.open(@address)
    client.get(path).body
  ensure
    client&.close
  end

  def memory
    2.times { get('/memory') }
    Integer(get('/memory'))
  end

  # All requests go out with one write, and their answers have no window.
  def connect(path)
    block = HTTP2Hpack.encode([[':method', 'GET'], [':scheme', 'http'], [':authority', 'localhost'], [':path', path]])
    requests = Array.new(@streams) { |i| HTTP2Wire.frame(:HEADERS, 5, (i * 2) + 1, block) }
    client = HttpServer::Client.open(@address)
    client << [HTTP2Wire::PREFACE.b, HTTP2Wire.frame(:SETTINGS, 0, 0, [4, 0].pack('nN')), *requests].join
    client
  end

  # Whether each stream gets to its end, once it has a window.
  def finished?(client)
    client << HTTP2Wire.frame(:SETTINGS, 0, 0, [4, 65_535].pack('nN'))
    ends = 0
    while ends < @streams
      high, low, type, flags = client.read(9).unpack('CnCC')
      client.read((high << 16) | low)
      ends += 1 if type.zero? && flags.anybits?(1)
      return false if [3, 7].include?(type)
    end
    true
  rescue StopIteration, SystemCallError
    false
  end
end

$stdout.sync = true
exit HTTP2Memory.new(*ARGV.map { |text| Integer(text) }).run
