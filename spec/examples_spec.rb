# frozen_string_literal: true

require 'digest'
require 'socket'
require 'tempfile'
require_relative 'support/child_program'

# Every program in examples/ runs, and prints what its header says.
RSpec.describe 'examples' do
  folder = File.expand_path('../examples', __dir__)

  it 'are all specified here, have a header and at most 40 lines' do
    names = Dir.children(folder).sort - %w[chat] # which is several files: spec/chat
    expect(names).to eq(%w[active_record_fibers.rb cache_server.rb channel_pipeline.rb chat_room.rb crawl.rb echo.rb fan_out.rb hello_server.rb http_server.rb mysql_stop.rb polite_client.rb postgres.rb rack_stream.ru rails.ru redis.rb reverse_proxy.rb sequel_fibers.rb server_sent_events.rb slow_fiber.rb sqlite_side_by_side.rb streaming_upload.rb supervision_tree.rb supervisor.rb thread_pool_sqlite.rb])
    names.each do |name|
      lines = File.readlines(File.join(folder, name))
      expect([name, lines.size]).to match([name, be <= 41]) # the magic comment is none of them
      expect(lines.take(8).join).to include('bin/start')
    end
  end

  # @return [String] what the header says that the program prints
  def promised(file)
    header = File.readlines(file).drop(2).take_while { |line| line.start_with?('#') }
    header.drop_while { |line| line != "# prints\n" }.drop(1).map { |line| line.delete_prefix('#').strip }
          .reject(&:empty?).join("\n") << "\n"
  end

  %w[cache_server channel_pipeline crawl fan_out polite_client slow_fiber supervision_tree supervisor thread_pool_sqlite sqlite_side_by_side sequel_fibers active_record_fibers].each do |name|
    it "#{name}.rb prints what it says" do
      file = File.join(folder, "#{name}.rb")
      out, err, status = run_ruby(file)
      expect([out, err, status.exitstatus]).to eq([promised(file), '', 0])
    end
  end

  it 'redis.rb prints what it says' do
    skip 'no Redis server: bin/test starts one and names it by REDIS_URL' unless ENV['REDIS_URL']
    file = File.join(folder, 'redis.rb')
    out, err, status = run_ruby(file)
    expect([out, err, status.exitstatus]).to eq([promised(file), '', 0])
  end

  it 'postgres.rb prints what it says, or what it needs' do
    out, err, status = run_ruby(File.join(folder, 'postgres.rb'), env: { 'DATABASE_URL' => nil })
    expect([out, err, status.exitstatus]).to eq(['', "This needs a database: DATABASE_URL=postgres://user@host/name\n", 1])
    ENV['DATABASE_URL'] || (ENV['CI'] ? raise('DATABASE_URL is not set: run bin/test') : skip('bin/test starts the PostgreSQL for this'))
    out, err, status = run_ruby(File.join(folder, 'postgres.rb'))
    expect([out, err, status.exitstatus]).to eq([promised(File.join(folder, 'postgres.rb')), '', 0])
  end

  it 'mysql_stop.rb prints what it says' do
    ENV['MYSQL_URL'] || (ENV['CI'] ? raise('MYSQL_URL is not set: run bin/test') : skip('bin/test starts the MariaDB for this'))
    file = File.join(folder, 'mysql_stop.rb')
    out, err, status = run_ruby(file)
    expect([out, err, status.exitstatus]).to eq([promised(file), '', 0])
  end

  it 'echo.rb answers its own clients' do
    out, err, status = run_ruby(File.join(folder, 'echo.rb'))
    expect([out, err, status.exitstatus]).to eq(["one\ntwo\nthree\n", '', 0])
  end

  it 'http_server.rb prints its address, honours PORT, and answers' do
    run_program(File.join(folder, 'http_server.rb'), env: { 'PORT' => '0' }) do |server|
      address = server.wait_for(%r{listening on http://(127.0.0.1):(\d+)$})
      TCPSocket.open(address[1], address[2]) do |socket|
        2.times do
          socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
          expect(socket.readpartial(1000)).to start_with('HTTP/1.1 200 OK').and end_with("Hello world!\n")
        end
      end
      server.signal(:INT)
      expect(server.status.termsig).to eq(Signal.list['INT'])
    end
  end

  # @yieldparam server [Support::ChildProgram::Running]
  # @yieldparam address [String]
  def web_server(name, *arguments)
    run_program(File.join(ROOT, 'examples', name), *arguments, env: { 'PORT' => '0' }) do |server|
      yield server, server.wait_for(%r{listening on (http://127\.0\.0\.1:\d+)$})[1]
    end
  end

  def curl(*arguments) = run_command('curl', '--silent', '--show-error', '--max-time', '25', *arguments).stdout

  it 'hello_server.rb greets, and answers others while one waits' do
    web_server('hello_server.rb') do |server, address|
      slow = Thread.new { curl("#{address}/slow") }
      expect(curl("#{address}/world")).to eq("hello world\n")
      expect(slow.value).to eq("hello slow\n")
      server.signal(:INT)
      expect(server.status.termsig).to eq(Signal.list['INT'])
    end
  end

  it 'streaming_upload.rb takes an upload of 50 MB in little memory' do
    web_server('streaming_upload.rb') do |server, address|
      Tempfile.create('upload') do |file|
        file.truncate(50_000_000)
        expect(curl('--upload-file', file.path, "#{address}/x")).to eq("50000000 bytes #{Digest::SHA256.file(file.path).hexdigest}\n")
      end
      expect(File.read("/proc/#{server.pid}/status")[/^VmHWM:\s+(\d+)/, 1].to_i).to be < 80_000
      expect(curl(address)).to eq("PUT a file here\n")
    end
  end

  it 'server_sent_events.rb tells all who follow' do
    web_server('server_sent_events.rb') do |_, address|
      host, port = address.delete_prefix('http://').split(':')
      followers = Array.new(2) { TCPSocket.new(host, port) }
      followers.each { |socket| socket.write("GET /events HTTP/1.1\r\nHost: x\r\n\r\n") && socket.gets(": welcome\n\n") }
      expect(curl('--data', 'hello', "#{address}/say")).to eq("said to 2\n")
      followers.each { |socket| expect(socket.gets("hello\n\n")).to end_with("data: hello\n\n") }
      followers.first.close
      expect(curl('--data', 'again', "#{address}/say")).to match(/said to [12]/)
      expect(followers.last.gets("again\n\n")).to end_with("data: again\n\n")
    ensure
      followers&.each(&:close)
    end
  end

  it 'reverse_proxy.rb passes requests and bodies on, both ways, and says when nobody is there' do
    web_server('streaming_upload.rb') do |backend, backend_address|
      web_server('reverse_proxy.rb', backend_address) do |_, address|
        digest = Digest::SHA256.hexdigest('some text')
        expect(curl('--request', 'PUT', '--data-binary', 'some text', "#{address}/x")).to eq("9 bytes #{digest}\n")
        expect(curl('--request', 'PUT', '--header', 'Transfer-Encoding: chunked', '--data-binary', 'some text', address)).to eq("9 bytes #{digest}\n")
        expect(curl('--include', address)).to start_with("HTTP/1.1 405 Method Not Allowed\r\n").and include("allow: PUT\r\n").and end_with("PUT a file here\n")
        backend.kill
        expect(curl(address)).to start_with('502 Bad Gateway')
      end
    end
  end

  it 'http_server.rb goes on after clients that send nonsense or reset their connection' do
    run_program(File.join(folder, 'http_server.rb'), env: { 'PORT' => '0' }) do |server|
      port = server.wait_for(%r{listening on http://127.0.0.1:(\d+)$})[1]
      TCPSocket.open('127.0.0.1', port) { |socket| socket.write("\0\0nonsense\r\n\r\n") && socket.read }
      TCPSocket.open('127.0.0.1', port) do |socket|
        socket.setsockopt(Socket::SOL_SOCKET, Socket::SO_LINGER, [1, 0].pack('ii'))
        socket.write("GET / HTTP/1.1\r\n")
      end
      TCPSocket.open('127.0.0.1', port) do |socket|
        socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        expect(socket.readpartial(1000)).to end_with("Hello world!\n")
      end
    end
  end

  it 'chat_room.rb passes on what is said in a room, also when a user has left' do
    run_program(File.join(folder, 'chat_room.rb'), env: { 'PORT' => '0' }) do |server|
      port = server.wait_for(/chat on 127.0.0.1:(\d+)/)[1]
      one, two = Array.new(2) { TCPSocket.new('127.0.0.1', port) }
      one.puts 'join tea', 'say hello'
      expect(one.gets).to eq("user 1: hello\n")
      two.puts 'join tea', 'say hi'
      expect([one.gets, two.gets]).to eq(["user 2: hi\n"] * 2)
      two.close
      one.puts 'say gone?', 'say still here'
      expect([one.gets, one.gets]).to eq(["user 1: gone?\n", "user 1: still here\n"])
      one.close
    end
  end
end
