# frozen_string_literal: true

require 'json'

module Chat
  # A room is a fiber. What happens comes to it as messages, one at a time: its state is its own and needs no lock.
  # Who is in it is a channel; what is put into that, they see.
  #
  # What is said goes to a topic and comes back from there: with Redis, to the room in each of the processes.
  class Room
    def initialize(name, topic, history, presence)
      @name, @topic, @history, @presence = name, topic, history, presence
      @members = {}.compare_by_identity # channel => name
      @people = {}                      # room => names
    end

    def open(supervisor)
      @fiber = supervisor.spin(@name) { run }
      self
    end

    def close = @fiber.stop
    def empty? = @members.empty?

    # What others may do, in their fibers.

    def join(inbox, name, since) = @fiber.call([:join, inbox, name, since])
    def leave(inbox) = @fiber.send?([:leave, inbox])
    def show(people) = @fiber.send?([:people, people])
    def typing(name) = @topic.publish(['typing', name])

    def say(name, text, id)
      entry = { 'id' => id, 'name' => name, 'text' => text, 'at' => Time.now.to_i }
      @history.keep(entry)
      @topic.publish(['said', entry])
    end

    private

    # What it does itself, in its own.

    def run
      news = @topic.subscribe
      spin(:recall) { @history.recall { |entry| @topic.deliver(['said', entry]) } }
      loop { take(Polyphony::Channel.select(Polyphony.current, news).last) }
    ensure
      @members.each_key(&:close) # they come back by themselves: to the next run, if this one has failed
      @members.clear
    end

    def take(message)
      case message
      in Polyphony::Call[:join, inbox, name, since] => call then call.reply(admit(inbox, name, since))
      in [:leave, inbox] then announce if @members.delete(inbox)
      in [:people, people] then tell(present(@people = people))
      in ['said', entry] then tell({ type: 'said', **entry }) if @history.add(entry)
      in ['typing', name] then tell({ type: 'typing', name: name })
      end
    end

    def admit(inbox, name, since)
      @members[inbox] = name
      missed, resumed = @history.since(since)
      put(inbox, JSON.generate({ type: 'welcome', room: @name, resumed: resumed, said: missed }))
      put(inbox, JSON.generate(present(@people)))
      announce
    end

    def announce = @presence.update(@name, @members.values)

    def present(people)
      { type: 'present', people: people.fetch(@name, []), rooms: people.transform_values(&:size) }
    end

    def tell(event)
      text = JSON.generate(event)
      @members.each_key { |inbox| put(inbox, text) }
    end

    # Nobody waits for who is too slow.
    def put(inbox, text)
      inbox.closed? || inbox.try_send(text) || inbox.close
    end
  end
end
