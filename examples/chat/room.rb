# frozen_string_literal: true

require_relative 'history'

module Chat
  # A room is a fiber. What happens comes to it as messages, one at a time: its state is its own and needs no lock.
  #
  # What is said goes to @topic, which with Redis reaches the room of that name in each process. The room shows it on
  # @stage, a topic of its own, to which the sockets of those who are in it are subscribed.
  class Room
    attr_reader :stage

    def initialize(supervisor, name, redis, presence)
      @name, @presence = name, presence
      @history = History.new(name, redis)
      @topic = Polyphony::Topic.new("chat:room:#{name}", over: redis, on_gap: proc { @fiber.send?(:recall) })
      @stage = Polyphony::Topic.new(name)
      @members = {}.compare_by_identity # socket => name
      @people = {}                      # room => names
      @fiber = supervisor.spin(name) { run }
    end

    # What others do, in their fibers.
    def close = @fiber.stop
    def empty? = @members.empty?
    def join(socket, name, since) = @fiber.call([:join, socket, name, since])
    def leave(socket) = @fiber.send?([:leave, socket])
    def show(people) = @fiber.send?([:people, people])
    def typing(name) = @topic.publish(['typing', name])

    def say(name, text, id)
      entry = { 'id' => id, 'name' => name, 'text' => text, 'at' => Time.now.to_i }
      @history.keep(entry)
      @topic.publish(['said', entry])
    end

    private

    # What the room does, in its own.
    def run
      news = @topic.subscribe
      recall
      loop { take(Polyphony::Channel.select(Polyphony.current, news).last) }
    ensure
      @members.each_key { |socket| socket.close(1013, 'Come again.') } # if it has failed: to its next run
      @members.clear
      announce
    end

    def take(message)
      case message
      in Polyphony::Call[:join, socket, name, since] => call then call.reply(admit(socket, name, since))
      in [:leave, socket] then announce if @members.delete(socket)
      in [:people, people] then tell(present(@people = people))
      in ['said', entry] then hear(entry)
      in :recall then recall # Redis was away
      in ['typing', name] then tell({ type: 'typing', name: name })
      end
    end

    def admit(socket, name, since)
      @members[socket] = name
      announce
      missed, resumed = @history.since(since)
      JSON.generate({ **present(@people), type: 'welcome', room: @name, resumed: resumed, said: missed })
    end

    def hear(entry) = @history.add(entry) && tell({ type: 'said', **entry })
    def recall = @history.recall.each { |entry| hear(entry) }
    def announce = @presence.update(@name, @members.values)
    def tell(event) = @stage.publish(JSON.generate(event))
    def present(people) = { type: 'present', people: people.fetch(@name, []), rooms: people.transform_values(&:size) }
  end
end
