# frozen_string_literal: true

module Polyphony
  class Redis
    # A subscription: a connection of its own, and another when that breaks, for as long as its fiber wants it.
    # @api private
    class Subscriber
      # Seconds of silence after which the server is asked whether it is still there.
      PING = 15
      # Seconds before the first and the last attempts to connect again; each is up to a half longer, at random.
      FIRST_PAUSE = 0.1
      LAST_PAUSE = 5
      private_constant :PING, :FIRST_PAUSE, :LAST_PAUSE

      VERBS = { 'message' => :message, 'smessage' => :message, 'pmessage' => :pattern_message,
                'subscribe' => :confirmed, 'psubscribe' => :confirmed, 'ssubscribe' => :confirmed }.freeze
      private_constant :VERBS

      # @param verb [String] SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE
      # @param channels [Array<String>]
      # @param hooks [Hash] ready: and lost:, see {PubSub#subscribe}
      # @yieldreturn [RedisClient] connected
      def initialize(verb, channels, hooks, &connector)
        @verb = verb
        @channels = channels
        @ready = hooks[:ready]
        @lost = hooks[:lost]
        @connector = connector
        @failures = 0
      end

      # Hands out messages, for ever.
      #
      # @yieldparam payload [String]
      # @yieldparam channel [String]
      # @yieldparam pattern [String] with PSUBSCRIBE
      # @raise [RedisClient::Error] when it cannot be subscribed: at the first attempt, or because of what the server says
      # @suspends until there is a message
      def run(&block)
        loop do
          listen(block)
        rescue ::RedisClient::ConnectionError => e
          raise if @failures.zero? && !@subscribed

          recover(e)
        end
      end

      private

      def listen(block)
        client = @connector.call
        pubsub = client.pubsub
        @unconfirmed = @channels.size
        pubsub.call(@verb, *@channels)
        take(pubsub, block) while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
      ensure
        pubsub&.close
      end

      def take(pubsub, block)
        event = pubsub.next_event(PING) || probe(pubsub)
        case event
        when ::Array then dispatch(event, block)
        when ::RedisClient::ConnectionError, ::RedisClient::CommandError then raise event
        end
      end

      # The answer to a PING is any event.
      def probe(pubsub)
        pubsub.call('PING')
        pubsub.next_event || raise(::RedisClient::ReadTimeoutError, 'the server did not answer a PING')
      end

      def dispatch(event, block)
        case VERBS[event.first]
        when :message then block.call(event[2], event[1])
        when :pattern_message then block.call(event[3], event[2], event[1])
        when :confirmed then confirm
        end
      end

      def confirm
        return unless (@unconfirmed -= 1).zero?

        gap = @gap
        @failures = 0
        @subscribed = true
        @gap = nil
        @ready&.call
        @lost&.call(gap) if gap
      end

      # What is published meanwhile does not come.
      def recover(error)
        @gap ||= error
        pause = [FIRST_PAUSE * (2**@failures), LAST_PAUSE].min * (1 + (::Kernel.rand * 0.5))
        @failures = [@failures + 1, 10].min
        warn("Polyphony::Redis: #{@verb} #{@channels.first(3).join(' ')}: #{error.message}; trying again in " \
             "#{pause.round(1)} s")
        Polyphony.backend.sleep(pause)
      end
    end
    private_constant :Subscriber
  end
end
