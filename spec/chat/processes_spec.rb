# frozen_string_literal: true

require 'timeout'
require_relative '../support/chat'
require_relative '../support/chat_server'

RSpec.describe 'the chat of several processes' do
  describe 'with something between them', :fibers, :virtual_time do
    let(:exchange) { ChatPeople::Exchange.new }
    let(:places) { Array.new(2) { Chat::Rooms.new(exchange) } }

    it 'shows the same in both, in the same order' do
      ada, bob = places.zip(%w[Ada Bob]).map { |rooms, name| person(rooms['lobby'], name) }
      ada.say 'one'
      bob.say 'two'
      ada.say 'three'
      settle
      expect([ada, bob].map(&:heard)).to eq([%w[one two three]] * 2)
    end

    it 'knows who is in the other, and who has left there' do
      ada, bob = places.zip(%w[Ada Bob]).map { |rooms, name| person(rooms['lobby'], name) }
      person(places.last['tea'], 'Carl')
      sleep 10
      expect(ada.events.last).to eq(type: 'present', people: %w[Ada Bob], rooms: { lobby: 2, ruby: 0, tea: 1 })
      bob.leave
      sleep 1
      expect(ada.events.last).to eq(type: 'present', people: %w[Ada], rooms: { lobby: 1, ruby: 0, tea: 1 })
    end

    it 'tells a new process who is here' do
      person(Chat::Rooms.new(exchange)['lobby'], 'Ada')
      sleep 1
      bob = person(Chat::Rooms.new(exchange)['lobby'], 'Bob')
      sleep 1
      expect(bob.events.last[:people]).to eq(%w[Ada Bob])
    end

    it 'forgets a process that is not heard of any more' do
      ada = person(places.first['lobby'], 'Ada')
      other = exchange.clone
      person(Chat::Rooms.new(other)['lobby'], 'Bob')
      sleep 10
      expect(ada.events.last[:people]).to eq(%w[Ada Bob])
      other.define_singleton_method(:publish) { |*| nil } # its machine has gone
      sleep 5
      expect(ada.events).to eq([])
      sleep 20
      expect(ada.events.last[:people]).to eq(%w[Ada])
    end
  end

  describe 'with Redis', if: ENV['REDIS_URL'] do
    # A Redis of this example's own, which it may stop.
    def redis_server(port)
      @redis = Process.spawn('redis-server', '--bind', '127.0.0.1', '--port', port.to_s, '--save', '', '--appendonly', 'yes',
                             '--dir', @data ||= Dir.mktmpdir('chat-redis'), out: File::NULL, err: File::NULL)
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 30
      begin
        TCPSocket.open('127.0.0.1', port, &:close)
      rescue SystemCallError
        raise if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

        sleep 0.02
        retry
      end
      "redis://127.0.0.1:#{port}/0"
    end

    def end_redis
      Process.kill(:TERM, @redis)
      Process.wait(@redis)
      @redis = nil
    end

    after do
      end_redis if @redis
      FileUtils.rm_rf(@data) if @data
    end

    let(:room) { "room-#{SecureRandom.hex(6)}" }

    it 'is one chat, and a process that comes later knows what was said' do
      one, two = Array.new(2) { chat(redis: ENV.fetch('REDIS_URL')) }
      ada, bob = guest(one, 'Ada', room: room), guest(two, 'Bob', room: room)
      [ada, bob].each { |one_of_them| one_of_them.see('welcome') }
      ada.say 'hello', 'message-1'
      expect([ada, bob].map(&:hear)).to eq(%w[hello hello])
      bob.say 'hello yourself'
      expect([ada, bob].map(&:hear)).to eq(['hello yourself'] * 2)
      ada.see_people('Ada', 'Bob')
      carl = guest(chat(redis: ENV.fetch('REDIS_URL')), 'Carl', room: room, since: 'message-1')
      expect(carl.see('welcome')).to match(hash_including(resumed: true, said: [hash_including(text: 'hello yourself')]))
      two.signal(:TERM)
      expect(bob.closing.first).to eq(1001)
      bob.gone
      ada.see_people('Ada', 'Carl')
    end

    it 'is one chat for all workers' do
      server = chat('-w', '2', redis: ENV.fetch('REDIS_URL'))
      names = (10..29).map { |n| "Guest #{n}" }
      guests = names.map { |name| guest(server, name, room: room) }
      guests.first.see_people(*names)
      guests.last.say 'hello'
      expect(guests.map(&:hear)).to all(eq('hello'))
    end

    it 'goes on when Redis comes back', timeout: 120 do
      port = quiet_port
      url = redis_server(port)
      one, two = Array.new(2) { chat(redis: url) }
      [one, two].each { |server| guest(server, 'Ada', room: room).see('welcome') }
      end_redis
      redis_server(port)
      # Who is told to come again does so.
      said = nil
      one.wait_until('that it is one chat again') do
        ada, bob = [one, two].map { |server| guest(server, 'Bob', room: room) }
        [ada, bob].each { |somebody| somebody.see('welcome') }
        ada.say(said = SecureRandom.hex(4))
        Timeout.timeout(5) { bob.hear == said }
      rescue StandardError # told to come again, or nothing came
        false
      ensure
        [ada, bob].compact.each(&:gone)
      end
    end
  end
end
