# frozen_string_literal: true

require_relative 'presence'
require_relative 'room'

module Chat
  # All rooms. One that fails begins again; they are opened when somebody comes.
  class Rooms
    ALWAYS = { 'lobby' => [], 'ruby' => [], 'tea' => [] }.freeze # these are seen, also when they are empty
    POLICY = { restart: :on_error, max_restarts: 99, backoff: { max: 2 }, forever: true }.freeze

    def initialize(redis = nil)
      @redis = redis
      @rooms = {}
      @supervisor = spin(:rooms) { supervise(**POLICY) { |fiber, e| warn "chat: #{fiber.tag}: #{e.inspect}" if e } }
      @presence = Presence.new(@supervisor, redis) do |people|
        @rooms.each_value { |room| room.show(ALWAYS.merge(people)) }
      end
    end

    def [](name) = @rooms[name] || (build(name) if @rooms.size < 100 || close_empty)

    private

    def build(name) = @rooms[name] = Room.new(@supervisor, name, @redis, @presence)

    def close_empty
      name, room = @rooms.find { |_, candidate| candidate.empty? }
      @rooms.delete(name)&.close && room
    end
  end
end
