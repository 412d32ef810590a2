# frozen_string_literal: true

require 'open3'
require 'socket'
require_relative '../support/child_program'

# The overview's naive HTTP/1 server. As it is written, handle_client calls reply with two arguments and
# reply takes one: the first request raises ArgumentError. It runs with the smallest correction, a second
# parameter; and on a free port.
RSpec.describe 'the overview: the naive HTTP/1 server' do
  def source(port, reply: 'reply(socket, request)')
    <<~RUBY.sub('reply(socket)', reply).gsub('1234', port.to_s)
      require 'http/parser'
      require 'polyphony'

      def handle_client(socket)
        parser = Http::Parser.new
        reqs = []
        parser.on_message_complete = proc { |env| reqs << { foo: :bar } }

        Thread.current.backend.read_loop(socket) do |data|
          parser << data
          reqs.each { |r| reply(socket, r) }
          reqs.clear
        end
      end

      def reply(socket)
        data = "Hello world!\\n"
        headers = "Content-Type: text/plain\\r\\nContent-Length: \#{data.bytesize}\\r\\n"
        socket.write "HTTP/1.1 200 OK\\r\\n\#{headers}\\r\\n\#{data}"
      end

      server = TCPServer.open('0.0.0.0', 1234)
      puts "listening on port 1234"

      Thread.current.backend.accept_loop(server) do |client|
        spin { handle_client(client) }
      end
    RUBY
  end

  def free_port
    TCPServer.open('0.0.0.0', 0) { |server| server.addr[1] }
  end

  def serving(**options)
    port = free_port
    run_program(source(port, **options)) do |server|
      server.wait_for(/listening on port #{port}/)
      yield port, server
    end
  end

  it 'answers curl, with idle connections open' do
    serving do |port|
      idle = Array.new(20) { TCPSocket.new('127.0.0.1', port) }
      out, status = Open3.capture2('curl', '-s', '--max-time', '20', *["http://127.0.0.1:#{port}/"] * 3)
      expect([out, status.exitstatus]).to eq(["Hello world!\n" * 3, 0])
      idle.last.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      expect(idle.last.readpartial(1000)).to end_with("Hello world!\n")
    ensure
      idle&.each(&:close)
    end
  end

  # wrk ends by closing connections that have requests under way. The naive server rescues nothing, so a
  # reset that it notices ends it, as an uncaught error in any fiber does: what it does after wrk is open.
  it 'answers wrk, with idle connections open, without an error' do
    skip 'wrk is not installed' unless system('command -v wrk >/dev/null')
    serving do |port, server|
      idle = Array.new(20) { TCPSocket.new('127.0.0.1', port) }
      wrk = IO.popen(['wrk', '-t1', '-c20', '-d2s', "http://127.0.0.1:#{port}/"], err: %i[child out])
      idle.each do |socket|
        socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        expect(socket.readpartial(1000)).to end_with("Hello world!\n")
      end
      out = wrk.read
      expect(Integer(out[/(\d+) requests in/, 1])).to be_positive
      expect(out).not_to match(/Socket errors|Non-2xx/)
      server.signal(:INT)
      server.status
      expect(server.output).to match(/Interrupt|Errno::(ECONNRESET|EPIPE)/)
    ensure
      idle&.each(&:close)
      wrk&.close
    end
  end

  it 'ends by Ctrl-C' do
    serving do |_, server|
      server.signal(:INT)
      expect(server.status.termsig).to eq(Signal.list['INT'])
    end
  end

  it 'as written ends with the ArgumentError of its first request' do
    serving(reply: 'reply(socket)') do |port, server|
      TCPSocket.open('127.0.0.1', port) do |socket|
        socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        expect(server.status.exitstatus).to eq(1)
      end
      expect(server.output).to include('wrong number of arguments (given 2, expected 1) (ArgumentError)')
    end
  end
end
