# frozen_string_literal: true

require_relative '../channel'

module Polyphony
  class Topic
    # What {Topic#subscribe} gives: the messages of one subscriber that have not been received yet. Any fiber may
    # receive them; the subscription ends with the fiber that subscribed.
    class Subscription
      include Enumerable

      OVERFLOWS = %i[wait drop_oldest drop_newest close raise].freeze
      private_constant :OVERFLOWS

      private_class_method :new

      # @return [Polyphony::Topic]
      attr_reader :topic
      # @return [Integer] messages that were dropped because there was no room
      attr_reader :dropped
      # @return [Polyphony::Channel] where they are
      # @api private
      attr_reader :channel

      # @see Topic#subscribe
      # @api private
      # @suspends no
      def self.open(...) = new(...)

      # @api private
      def initialize(topic, life, limit, overflow)
        unless OVERFLOWS.include?(overflow)
          raise ::ArgumentError, "overflow must be one of #{OVERFLOWS.inspect}, not #{overflow.inspect}"
        end

        @topic = topic
        @life = life
        @thread = ::Thread.current
        @limit = limit && Polyphony.count(limit, 'limit')
        @overflow = overflow
        @channel = Channel.new(@limit)
        @dropped = 0
        life.own(self)
      end

      # Takes the oldest message.
      #
      # @param timeout [Numeric, nil] seconds to wait; nil: without limit
      # @return [Object]
      # @raise [Polyphony::TimeoutError] when none came in time
      # @raise [Polyphony::Closed] when the subscription has ended and nothing is left
      # @raise [Polyphony::Overflow] the same, if it has ended because it was too slow
      # @suspends until there is a message
      def receive(timeout: nil) = @channel.receive(timeout: timeout)

      # Takes the oldest message if there is one.
      #
      # @param none [Object] what is given if there is none
      # @return [Object]
      # @raise [Polyphony::Closed, Polyphony::Overflow] as {#receive}
      # @suspends no
      def try_receive(none = nil) = @channel.try_receive(none)

      # Takes message after message until the subscription has ended and nothing is left.
      #
      # @yieldparam message [Object]
      # @return [self, Enumerator] an Enumerator without a block
      # @raise [Polyphony::Overflow] if it has ended because it was too slow
      # @suspends until there is a message
      def each(&block)
        return to_enum unless block

        @channel.each(&block)
        self
      end

      # Ends it. What is there can still be received.
      #
      # @param error [Exception, Class, String, nil] what is raised when nothing is left
      # @return [self]
      # @suspends no
      def close(error = nil)
        @topic.remove(self)
        @life.disown(self)
        @channel.close(error)
        self
      end

      # @return [Boolean] whether it has ended
      # @suspends no
      def closed? = @channel.closed?

      # @return [Integer] messages that wait to be received
      # @suspends no
      def size = @channel.size

      # @return [String]
      # @suspends no
      def inspect
        state = [@limit ? "#{size}/#{@limit}" : size]
        state << "dropped=#{@dropped}" if @dropped.positive?
        state << 'closed' if closed?
        "#<#{self.class} of #{@topic.name.inspect} #{state.join(' ')}>"
      end

      # @return [Boolean, nil] whether the message was taken; nil if it must be waited for that
      # @api private
      # @suspends no
      def offer(message)
        @channel.try_send(message) || refuse(message)
      rescue Closed
        false
      end

      # @return [Boolean] whether the message was taken
      # @api private
      # @suspends until there is room
      def insist(message)
        @channel.send(message)
        true
      rescue Closed
        false
      end

      # @return [::Thread] of the fiber that subscribed
      # @api private
      attr_reader :thread

      # @return [Boolean] whether, in a forked child, its fiber stayed in the parent process
      # @api private
      # @suspends no
      def left_behind? = @life.dead? || !@life.task.thread&.alive?

      # The fiber has ended, or starts again. @api private
      # @suspends no
      def owner_ended(_life) = close

      private

      def refuse(message)
        case @overflow
        when :wait then return
        when :drop_oldest
          @dropped += @channel.squeeze(message)
          return true
        when :drop_newest then @dropped += 1
        when :close then close
        when :raise then close(Overflow.new("more than #{@limit} messages waited for a subscriber: #{@topic.inspect}"))
        end
        false
      end
    end
  end
end
