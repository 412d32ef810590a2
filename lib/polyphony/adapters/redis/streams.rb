# frozen_string_literal: true

module Polyphony
  class Redis
    # Streams: logs that many read, each at its own pace.
    module Streams
      # Yields entry after entry of a stream, and waits for more, for ever: `break`, or a stop of the fiber, ends it.
      #
      # With a group, each entry goes to one of its consumers, and is acknowledged when the block is through; an error
      # of the block leaves it unacknowledged. What a consumer of this name has left so comes first; what others have
      # left for longer than `claim:` is taken over while nothing else is to be done. So an entry is handled at least
      # once, and maybe twice. The group is made if there is none.
      #
      #   redis.each_entry('orders', group: 'billing', consumer: 'worker1') { |id, fields| bill(fields) }
      #
      # The wait takes a connection of the pool. When that breaks, it goes on with another, after a pause.
      #
      # @param stream [String, Symbol]
      # @param group [String, nil] without one, all entries from `from:` on are yielded
      # @param consumer [String, nil] who this is within the group: required with one
      # @param from [String] the id after which it begins, '0' for all there is, '$' for what comes from now on. With a
      #   group: where that begins when it is made
      # @param count [Integer] entries fetched at a time
      # @param claim [Numeric, nil] seconds after which an entry of another consumer is taken over; nil: never
      # @param ack [Boolean] whether entries are acknowledged; if not, do so with `call('XACK', stream, group, id)`
      # @yieldparam id [String]
      # @yieldparam fields [Hash{String => String}] empty for an entry that was deleted before it was acknowledged
      # @return [Object] what `break` gives
      # @raise [ArgumentError] without a block, or with a group and no consumer
      # @raise [RedisClient::CommandError] what the server says against it
      # @raise [RedisClient::CannotConnectError] at first; later it tries for ever
      # @suspends until there is an entry
      def each_entry(stream, group: nil, consumer: nil, from: '$', count: 16, claim: nil, ack: true, &block) # rubocop:disable Metrics/ParameterLists -- options
        raise ::ArgumentError, 'a block is required' unless block

        Polyphony.count(count, 'count')
        claim && Polyphony.duration(claim, 'claim')
        return StreamReader.new(self, stream, from, count).run(&block) unless group
        raise ::ArgumentError, 'group: needs a consumer: who this is within the group' unless consumer

        options = { group: group, consumer: consumer, claim: claim, ack: ack }
        GroupReader.new(self, stream, from, count, options).run(&block)
      end
    end
    private_constant :Streams
  end
end
