# frozen_string_literal: true

require 'polyphony/core'
require 'securerandom'
require_relative 'fibers'
require_relative 'virtual_time'
require_relative '../../examples/chat/rooms'
require_relative '../../examples/chat/visitor'

# The chat of examples/chat, and people for it, without a network.
module ChatPeople
  # As Kernel's verbs, which `require 'polyphony'` would add to the whole process.
  [Chat::Room, Chat::Rooms, Chat::Presence, Chat::Visitor].each { |kind| kind.include(Fibers) }

  # A WebSocket's place.
  class Socket
    # @return [Array(Integer, String), nil] code and reason that it was closed with
    attr_reader :closed

    def initialize(*messages)
      @incoming = Polyphony::Channel.new
      messages.each { |message| say(message) }
      @sent = []
    end

    # The browser's side.

    def say(message) = @incoming << (message.is_a?(String) ? message : JSON.generate(message))
    def go = @incoming.close

    # @return [Array<Hash>] what has come, since the last time
    def events = @sent.slice!(0..)

    # The server's side.

    def each(&block) = @incoming.each(&block)
    def <<(text) = @sent << JSON.parse(text, symbolize_names: true)

    def subscribe(topic)
      fiber = Polyphony.spin { topic.subscribe(limit: nil) { |text| self << text unless @closed } }
      Polyphony.snooze until fiber.waiting_on
    end

    def close(code = 1000, reason = '')
      @closed ||= [code, reason]
      go
    end
  end

  # Somebody who is in a room, without a visitor's fiber.
  class Person < Socket
    attr_reader :name

    def initialize(room, name, since: '')
      super()
      @room = room
      @name = name
      subscribe(room.stage)
      self << room.join(self, name, since)
    end

    # @return [Array<String>] what others, and we, have said
    def heard = events.flat_map { |event| event[:type] == 'welcome' ? event[:said] : [event] }.filter_map { |event| event[:text] }

    def say(text, id = "#{name.downcase}-#{SecureRandom.hex(6)}") = @room.say(@name, text, id)

    def leave = @room.leave(self)
  end

  # As much of a Redis as several processes have in common, in this one.
  class Exchange
    def initialize
      @listeners = Hash.new { |all, channel| all[channel] = [] }
      @lists = Hash.new { |all, key| all[key] = [] }
    end

    def call(command, key, *arguments)
      case command
      when 'RPUSH' then @lists[key].concat(arguments)
      when 'LRANGE' then @lists[key].slice(Range.new(*arguments)) || []
      when 'LTRIM' then @lists[key].replace(@lists[key].last(-arguments.first))
      end
    end

    def publish(channel, payload) = @listeners[channel].each { |queue| queue << payload }

    def subscribe(channel)
      @listeners[channel] << (queue = Polyphony::Channel.new)
      queue.each { |payload| yield payload }
    ensure
      @listeners[channel].delete(queue)
    end
  end

  def person(room, name, **options) = Person.new(room, name, **options)
end

RSpec.configure { |config| config.include ChatPeople }
