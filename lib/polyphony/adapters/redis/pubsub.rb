# frozen_string_literal: true

module Polyphony
  class Redis
    # Publish and subscribe.
    module PubSub
      # Sends a message to all who are subscribed to the channel now, in any process. Those of a fiber arrive in order.
      #
      # @param channel [String, Symbol]
      # @param payload [String]
      # @return [Integer] how many connections it went to
      # @raise [RedisClient::Error] as {Calls#call}
      # @suspends until the server has taken it
      def publish(channel, payload) = call('PUBLISH', channel, payload)

      # Yields what is published on the channels from now on, until the block ends it with `break`, or the fiber is
      # stopped. It has a connection of its own; when that breaks, it makes another, and subscribes again, after a pause
      # that grows. What was published meanwhile has not come: that is what `gap:` tells.
      #
      # While the block runs, messages wait in the connection. The server closes it when too many do
      # (client-output-buffer-limit).
      #
      # @param channels [Array<String, Symbol>]
      # @param ready [#call, nil] called without arguments whenever the server has confirmed all channels
      # @param gap [#call, nil] called with the error when, after a break, it is subscribed again
      # @yieldparam payload [String]
      # @yieldparam channel [String]
      # @return [Object] what `break` gives
      # @raise [ArgumentError] without a channel or a block
      # @raise [RedisClient::CannotConnectError] at first; later it tries for ever
      # @raise [RedisClient::CommandError] what the server says against it, such as a wrong password
      # @raise [Polyphony::Closed] after {Redis#close}
      # @suspends until there is a message
      def subscribe(*channels, ready: nil, gap: nil, &block)
        listen_to('SUBSCRIBE', channels, { ready: ready, gap: gap }, block)
      end

      # As {#subscribe}, for all channels that match patterns (`news.*`).
      #
      # @param patterns [Array<String, Symbol>]
      # @yieldparam payload [String]
      # @yieldparam channel [String]
      # @yieldparam pattern [String] that it matched
      # @return [Object] what `break` gives
      # @suspends until there is a message
      def psubscribe(*patterns, ready: nil, gap: nil, &block)
        listen_to('PSUBSCRIBE', patterns, { ready: ready, gap: gap }, block)
      end

      # As {#subscribe}, for channels that stay within a shard of a cluster (Redis 7).
      #
      # @return [Object] what `break` gives
      # @suspends until there is a message
      def ssubscribe(*channels, ready: nil, gap: nil, &block)
        listen_to('SSUBSCRIBE', channels, { ready: ready, gap: gap }, block)
      end

      private

      def listen_to(verb, channels, hooks, block)
        raise ::ArgumentError, 'a block is required' unless block
        raise ::ArgumentError, 'at least one channel is required' if channels.empty?

        Subscriber.new(verb, channels.flatten.map(&:to_s), hooks) { connected_client }.run(&block)
      end

      def connected_client
        raise Closed, "#{inspect} was closed" if closed?

        new_client
      end
    end
    private_constant :PubSub
  end
end
