# frozen_string_literal: true

module Polyphony
  class Redis
    # Entries of a stream, one after the other, for ever.
    # @api private
    class StreamReader
      # Seconds that the server waits for an entry before it is asked again: so a dead connection is noticed.
      WAIT = 10
      private_constant :WAIT

      def initialize(redis, stream, from, count)
        @redis = redis
        @stream = stream
        @last = from
        @count = count
        @patience = Patience.new("stream #{stream}")
      end

      # @yieldparam id [String]
      # @yieldparam fields [Hash]
      # @suspends until there is an entry
      def run(&block)
        while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
          @patience.try { fetch }.each { |id, fields| handle(id, ::Hash[*fields], block) }
        end
      end

      private

      def fetch
        @last = newest if @last == '$'
        wait_for('XREAD', 'COUNT', @count, 'BLOCK', WAIT * 1000, 'STREAMS', @stream, @last)
      end

      def handle(id, fields, block)
        @last = id
        block.call(id, fields)
      end

      # What `$` means now, once and for all: between two reads it would mean something later.
      def newest
        entry = @redis.call('XREVRANGE', @stream, '+', '-', 'COUNT', 1).first
        entry ? entry.first : '0'
      end

      # RESP 3 gives a Hash of streams, RESP 2 an Array of pairs.
      def wait_for(*command)
        reply = @redis.blocking_call(WAIT, *command)
        reply ? reply.to_a.first.last : []
      end
    end
    private_constant :StreamReader
  end
end
