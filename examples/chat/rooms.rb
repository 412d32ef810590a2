# frozen_string_literal: true

require_relative 'presence'
require_relative 'room'

module Chat
  # All rooms. One that fails begins again; they are opened when somebody comes.
  class Rooms
    ALWAYS = %w[lobby ruby tea].freeze # these are seen, also when they are empty
    LIMIT = 100

    # @param redis [Polyphony::Redis, nil] makes several processes one chat
    def initialize(redis = nil)
      @redis = redis
      @rooms = {}
      @supervisor = spin(:rooms) { supervise(restart: :on_error, max_restarts: 100, backoff: { max: 2 }, forever: true) }
      @presence = Presence.new(redis) { |people| show(people) }.open(@supervisor)
    end

    # @return [Room, nil] nil: there are too many already
    def [](name) = @rooms[name] || (open(name) if @rooms.size < LIMIT || close_empty)

    private

    def open(name)
      @rooms[name] = Room.new(name, @redis, @presence).open(@supervisor)
    end

    def close_empty
      name, room = @rooms.find { |_, candidate| candidate.empty? }
      @rooms.delete(name)&.close && room
    end

    def show(people)
      people = ALWAYS.to_h { |name| [name, []] }.merge(people)
      @rooms.each_value { |room| room.show(people) }
    end
  end
end
