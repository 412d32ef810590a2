# frozen_string_literal: true

module Polyphony
  class Redis
    class Hub
      # One `subscribe`, and what has come for it and has not been handed out.
      class Listener
        # @return [String] SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE
        attr_reader :verb
        # @return [Array<String>]
        attr_reader :channels
        # @return [Lifecycle]
        attr_reader :life

        def initialize(verb, channels, limit)
          @verb = verb
          @channels = channels
          @limit = limit
          @life = Lifecycle.current
          @news = []
          @unconfirmed = 0
          @waiting = false
        end

        # Waits for news, or to be the one that reads.
        # @suspends until then
        def wait
          @waiting = true
          Scheduler.park(REASON)
        ensure
          @waiting = false
        end

        # @return [Boolean]
        def waiting? = @waiting

        # Its channels have been asked for.
        def asked
          @unconfirmed = @channels.size
        end

        # The server has confirmed one of them.
        def confirm
          return unless (@unconfirmed -= 1).zero?

          add([:ready])
          add([:gap, @gap]) if @gap
          @gap = nil
        end

        # The connection broke. What comes until it is confirmed again is missed.
        def lose(error)
          @gap ||= error
          nil
        end

        # Something was published: payload, channel and maybe pattern.
        def message(*words)
          return fail_with(overflow) if @news.size >= @limit

          add([:message, *words])
        end

        # Ends it, when what has come before is handed out.
        def fail_with(error)
          @failure ||= error
          @life.wake
        end

        # @return [Boolean] whether it need not wait
        def news? = !@news.empty? || !@failure.nil?

        # @return [Array] a kind (:message, :ready, :gap) and what belongs to it
        # @raise [Exception] what ended it
        def shift
          @news.shift || raise(@failure)
        end

        private

        def add(news)
          @news.push(news)
          @life.wake
        end

        def overflow
          Overflow.new("more than #{@limit} messages waited for the block of #{@verb.downcase} " \
                       "#{@channels.join(' ')}: let it hand them to other fibers, or give it a larger limit:")
        end
      end
      private_constant :Listener
    end
  end
end
