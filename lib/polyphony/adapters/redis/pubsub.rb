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
      # stopped. All subscriptions of a thread share a connection; when that breaks, another is made and subscribed,
      # after a pause that grows. What was published meanwhile has not come: that is what `gap:` tells.
      #
      # The hooks are called in the subscribed fiber, in order with the block.
      #
      # @param channels [Array<String, Symbol>]
      # @param ready [#call, nil] called without arguments whenever the server has confirmed all channels
      # @param gap [#call, nil] called with the error when, after a break, it is subscribed again
      # @param limit [Integer] how many messages may wait for the block, while other fibers read theirs
      # @yieldparam payload [String]
      # @yieldparam channel [String]
      # @return [Object] what `break` gives
      # @raise [ArgumentError] without a channel or a block, or for a limit that is not positive
      # @raise [RedisClient::CannotConnectError] at first; later it tries for ever
      # @raise [RedisClient::CommandError] what the server says against it, such as a wrong password
      # @raise [Polyphony::Overflow] when more than +limit+ messages waited for the block
      # @raise [Polyphony::Closed] after {Redis#close}
      # @suspends until there is a message
      def subscribe(*channels, ready: nil, gap: nil, limit: 10_000, &block)
        listen_to('SUBSCRIBE', channels, [ready, gap], limit, block)
      end

      # As {#subscribe}, for all channels that match patterns (`news.*`).
      #
      # @param patterns [Array<String, Symbol>]
      # @yieldparam payload [String]
      # @yieldparam channel [String]
      # @yieldparam pattern [String] that it matched
      # @return [Object] what `break` gives
      # @suspends until there is a message
      def psubscribe(*patterns, ready: nil, gap: nil, limit: 10_000, &block)
        listen_to('PSUBSCRIBE', patterns, [ready, gap], limit, block)
      end

      # As {#subscribe}, for channels that stay within a shard of a cluster (Redis 7).
      #
      # @return [Object] what `break` gives
      # @suspends until there is a message
      def ssubscribe(*channels, ready: nil, gap: nil, limit: 10_000, &block)
        listen_to('SSUBSCRIBE', channels, [ready, gap], limit, block)
      end

      private

      def listen_to(verb, channels, hooks, limit, block)
        raise ::ArgumentError, 'a block is required' unless block

        names = channels.flatten.map(&:to_s).uniq
        raise ::ArgumentError, 'at least one channel is required' if names.empty?

        hub.listen(verb, names, Polyphony.count(limit, 'limit')) { |kind, *words| tell(kind, words, hooks, block) }
      end

      def tell(kind, words, hooks, block)
        ready, gap = hooks
        case kind
        when :message then block.call(*words)
        when :ready then ready&.call
        when :gap then gap&.call(*words)
        end
      end
    end
    private_constant :PubSub
  end
end
