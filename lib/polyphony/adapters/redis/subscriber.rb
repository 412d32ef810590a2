# frozen_string_literal: true

module Polyphony
  class Redis
    # A subscription: a connection of its own, and another when that breaks, for as long as its fiber wants it.
    # @api private
    class Subscriber
      # Seconds of silence after which the server is asked whether it is still there.
      PING = 15
      private_constant :PING

      VERBS = { 'message' => :message, 'smessage' => :message, 'pmessage' => :pattern_message,
                'subscribe' => :confirmed, 'psubscribe' => :confirmed, 'ssubscribe' => :confirmed }.freeze
      private_constant :VERBS

      # @param verb [String] SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE
      # @param channels [Array<String>]
      # @param hooks [Hash] ready: and gap:, see {PubSub#subscribe}
      # @yieldreturn [RedisClient] connected
      def initialize(verb, channels, hooks, &connector)
        @verb = verb
        @channels = channels
        @ready = hooks[:ready]
        @on_gap = hooks[:gap]
        @connector = connector
        @patience = Patience.new("#{verb} #{channels.first(3).join(' ')}")
      end

      # Hands out messages, for ever.
      #
      # @yieldparam payload [String]
      # @yieldparam channel [String]
      # @yieldparam pattern [String] with PSUBSCRIBE
      # @raise [RedisClient::Error] at the first attempt, or because of what the server says
      # @suspends until there is a message
      def run
        while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
          yield(*@patience.try { next_message })
        end
      ensure
        hang_up
      end

      private

      def next_message
        dial unless @pubsub
        message = nil
        message = take until message
        message
      rescue ::RedisClient::ConnectionError => e
        hang_up
        @gap ||= e
        raise
      end

      def dial
        @pubsub = @connector.call.pubsub
        @unconfirmed = @channels.size
        @pubsub.call(@verb, *@channels)
      end

      def hang_up
        pubsub = @pubsub
        @pubsub = nil
        pubsub&.close
      end

      # @return [Array, nil] what the block is to get
      def take
        event = @pubsub.next_event(PING) || probe
        case event
        when ::Array then understand(event)
        when ::RedisClient::ConnectionError, ::RedisClient::CommandError then raise event
        end
      end

      # The answer to a PING is any event.
      def probe
        @pubsub.call('PING')
        @pubsub.next_event || raise(::RedisClient::ReadTimeoutError, 'the server did not answer a PING')
      end

      def understand(event)
        case VERBS[event.first]
        when :message then [event[2], event[1]]
        when :pattern_message then [event[3], event[2], event[1]]
        when :confirmed then confirm
        end
      end

      def confirm
        return unless (@unconfirmed -= 1).zero?

        gap = @gap
        @gap = nil
        @patience.worked
        @ready&.call
        @on_gap&.call(gap) if gap
        nil
      end
    end
    private_constant :Subscriber
  end
end
