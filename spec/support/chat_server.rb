# frozen_string_literal: true

require 'json'
require 'securerandom'
require 'uri'
require_relative 'http_operation'
require_relative 'websocket_client'

# The chat of examples/chat as a program of its own, and WebSockets to it that know no more than bytes.
module ChatServer
  APP = File.join(ROOT, 'examples/chat/app.rb')

  # A browser that is none.
  class Guest < WebSocketClient
    # @param address [String] of the server
    def self.enter(address, room, name, since: nil, headers: {})
      query = URI.encode_www_form({ room: room, name: name, since: since }.compact)
      new(HttpServer::Client.open(address), "/chat?#{query}", headers)
    end

    def say(words, id = SecureRandom.hex(8)) = self << JSON.generate(say: words, id: id)

    # @return [Hash] the next event of that type
    def see(type)
      loop do
        event = JSON.parse(receive, symbolize_names: true)
        @people = event.fetch(:people, @people)
        return event if event[:type] == type
      end
    end

    # Waits until just these are in the room.
    def see_people(*names)
      see('present') until @people == names
    end

    # @return [String] what is said next
    def hear = see('said')[:text]

    # @return [Array(Integer, String)] how the server closes it
    def closing
      opcode, length = @client.read(2).unpack('CC')
      length = @client.read(2).unpack1('n') if length == 126
      payload = @client.read(length)
      opcode == 0x88 ? payload.unpack('na*') : closing
    end

    def gone = @client.close
  end

  @programs = {}

  class << self
    # @param name [Symbol] of a server for several examples, that leave it as it is
    # @yieldreturn [Array<String>] arguments of `polyphony serve`, when it is to be started
    # @return [HttpOperation::Program] that listens
    def shared(name)
      @programs[name] ||= begin
        folder = Dir.mktmpdir("chat-#{name}")
        HttpOperation::Program.new(folder, yield(folder), { 'REDIS_URL' => nil }).ready
      end
    end

    def close
      @programs.each_value do |program|
        program.kill
        FileUtils.rm_rf(program.folder)
      end
      @programs.clear
    end
  end

  # The chat, for examples that each take a room of their own.
  def common_chat = ChatServer.shared(:chat) { ['-b', 'http://127.0.0.1:0', APP] }

  def room_of_our_own = "room-#{SecureRandom.hex(6)}"

  # @param arguments [Array<String>] of `polyphony serve`
  # @param redis [String, nil] its address
  # @return [HttpOperation::Program] that listens
  def chat(*arguments, redis: nil, bind: 'http://127.0.0.1:0', **options)
    operate('-b', bind, *arguments, APP, env: { 'REDIS_URL' => redis }, **options).ready
  end

  # @return [Integer] a free port that no connection gets by chance while nobody listens there
  def quiet_port
    port = rand(15_000..30_000)
    TCPServer.open('127.0.0.1', port, &:close)
    port
  rescue Errno::EADDRINUSE
    retry
  end

  def guest(server, name, room: 'lobby', **options) = Guest.enter(server.address, room, name, **options)
end

RSpec.configure do |config|
  config.include ChatServer
  config.after(:suite) { ChatServer.close }
end
