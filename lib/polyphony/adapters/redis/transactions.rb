# frozen_string_literal: true

module Polyphony
  class Redis
    # Several commands at once. Each takes a connection of the pool for as long as it lasts.
    module Transactions
      # Collects commands, and executes them together: nothing of others comes in between. Nothing is sent before the
      # block is through; what it raises, or a stop, leaves nothing behind.
      #
      # @yieldparam transaction [RedisClient::Multi] takes `call(*command)`
      # @return [Array] the replies
      # @raise [RedisClient::CommandError] the first error of a command: the others have been executed all the same
      # @raise [RedisClient::ConnectionError] when the connection broke: it may or may not have been executed
      # @suspends until a connection is free, and for the replies
      def multi(&block)
        raise ::ArgumentError, 'a block is required' unless block

        with { |client| client.multi(&block) }
      end

      # A transaction that is executed only if nobody has changed the keys since before the block: what it reads stays
      # true.
      #
      #   redis.watch('stock') do |transaction, client|
      #     left = client.call('GET', 'stock').to_i
      #     transaction.call('SET', 'stock', left - 1) if left.positive?
      #   end
      #
      # @param keys [Array<String, Symbol>]
      # @param attempts [Integer] how often the block is run at most, as long as somebody else is quicker
      # @yieldparam transaction [RedisClient::Multi] takes `call(*command)`
      # @yieldparam client [RedisClient] for reading, at once
      # @return [Array, nil] the replies; nil: somebody was quicker each time, and nothing was executed
      # @raise [ArgumentError] without a key or a block
      # @raise [RedisClient::Error] as {#multi}
      # @suspends until a connection is free, and for the replies
      def watch(*keys, attempts: 1)
        raise ::ArgumentError, 'a block is required' unless block_given?
        raise ::ArgumentError, 'at least one key is required' if keys.empty?

        Polyphony.count(attempts, 'attempts').times do
          replies = with { |client| client.multi(watch: keys) { |transaction| yield transaction, client } }
          return replies if replies
        end
        nil
      end

      # Sends commands in one write, without waiting for each reply. Calls of several fibers are sent so without this;
      # it is for many commands of one.
      #
      # @param exception [Boolean] raise the first error, after all have been executed; else it is among the replies
      # @yieldparam pipeline [RedisClient::Pipeline] takes `call(*command)`
      # @return [Array] the replies
      # @raise [RedisClient::CommandError] see above
      # @raise [RedisClient::ConnectionError] when the connection broke: some may have been executed
      # @suspends until a connection is free, and for the replies
      def pipelined(exception: true, &block)
        raise ::ArgumentError, 'a block is required' unless block

        with { |client| client.pipelined(exception: exception, &block) }
      end

      # A script that the server keeps: it is sent in full only when the server does not know it.
      #
      #   take = redis.script('return redis.call("DECRBY", KEYS[1], ARGV[1])')
      #   take.call(keys: ['stock'], args: [1])
      #
      # @param source [String] Lua
      # @param read_only [Boolean] it writes nothing (EVALSHA_RO, Redis 7): it may be sent again, and run on a replica
      # @return [Script]
      # @suspends no
      def script(source, read_only: false) = Script.new(self, source, read_only)
    end
    private_constant :Transactions
  end
end
