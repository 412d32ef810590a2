# frozen_string_literal: true

require 'json'

module Chat
  # What was said last in a room: in memory and, if there is one, in Redis.
  class History
    SIZE = 100

    def initialize(room, redis)
      @key, @redis, @entries = "chat:history:#{room}", redis, {} # id => entry
    end

    # @return [Boolean] whether it is new: browsers send again what may have got lost
    def add(entry)
      return false if @entries.key?(entry['id'])

      @entries[entry['id']] = entry
      @entries.shift if @entries.size > SIZE
      true
    end

    # @return [Array(Array<Hash>, Boolean)] what came after that id, and true; all and false if nobody remembers it
    def since(id)
      known = @entries.keys.index(id)
      [@entries.values.drop(known ? known + 1 : 0), !known.nil?]
    end

    def keep(entry)
      @redis&.call('RPUSH', @key, JSON.generate(entry))
      @redis&.call('LTRIM', @key, -SIZE, -1)
      @redis&.call('EXPIRE', @key, 604_800) # a week
    end

    # @return [Array<Hash>] what Redis has
    def recall = @redis ? @redis.call('LRANGE', @key, 0, -1).map { |text| JSON.parse(text) } : []
  end
end
