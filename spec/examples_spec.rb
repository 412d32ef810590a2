# frozen_string_literal: true

require 'socket'
require_relative 'support/child_program'

# Every program in examples/ runs, and prints what its header says.
RSpec.describe 'examples' do
  folder = File.expand_path('../examples', __dir__)

  it 'are all specified here, have a header and at most 40 lines' do
    names = Dir.children(folder).sort
    expect(names).to eq(%w[cache_server.rb channel_pipeline.rb chat_room.rb crawl.rb echo.rb fan_out.rb http_server.rb polite_client.rb slow_fiber.rb supervision_tree.rb supervisor.rb thread_pool_sqlite.rb])
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

  %w[cache_server channel_pipeline crawl fan_out polite_client slow_fiber supervision_tree supervisor thread_pool_sqlite].each do |name|
    it "#{name}.rb prints what it says" do
      file = File.join(folder, "#{name}.rb")
      out, err, status = run_ruby(file)
      expect([out, err, status.exitstatus]).to eq([promised(file), '', 0])
    end
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
