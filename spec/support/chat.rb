# frozen_string_literal: true

require 'polyphony/core'
require_relative 'fibers'
require_relative 'virtual_time'
require_relative '../../examples/chat/rooms'
require_relative '../../examples/chat/visitor'

# The chat of examples/chat, and people for it, without a network.
module ChatPeople
  # As Kernel's verbs, which `require 'polyphony'` would add to the whole process.
  [Chat::Room, Chat::Rooms, Chat::Presence, Chat::Visitor].each { |kind| kind.include(Fibers) }

  # Somebody who sees a room.
  class Person
    attr_reader :name, :inbox

    def initialize(room, name, since: '', limit: 200)
      @room = room
      @name = name
      @inbox = Polyphony::Channel.new(limit)
      room.join(@inbox, name, since)
    end

    # @return [Array<Hash>] what has come, since the last time
    def events
      events = []
      while (text = @inbox.try_receive)
        events << JSON.parse(text, symbolize_names: true)
      end
      events
    rescue Polyphony::Closed
      events
    end

    # @return [Array<String>] what others, and we, have said
    def heard = events.flat_map { |event| event[:type] == 'welcome' ? event[:said] : [event] }.filter_map { |event| event[:text] }

    def say(text, id = "#{name.downcase}-#{SecureRandom.hex(6)}") = @room.say(@name, text, id)

    def leave = @room.leave(@inbox)
  end

  # A WebSocket's place.
  class Socket
    attr_reader :sent, :closed

    def initialize(*texts)
      @incoming = Polyphony::Channel.new
      texts.each { |text| say(text) }
      @sent = []
    end

    def say(message) = @incoming << (message.is_a?(String) ? message : JSON.generate(message))
    def go = @incoming.close
    def each(&block) = @incoming.each(&block)
    def <<(text) = @sent << JSON.parse(text, symbolize_names: true)

    def close(code = 1000, reason = '')
      @closed = [code, reason]
      go
    end
  end

  # What several processes have in common, in this one.
  class Exchange
    def initialize = @listeners = Hash.new { |all, channel| all[channel] = [] }

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
