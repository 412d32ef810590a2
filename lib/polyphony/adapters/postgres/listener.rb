# frozen_string_literal: true

require_relative 'listener_connection'

module Polyphony
  class Postgres
    # The connection over which fibers of a thread get notifications, and who gets which. One of the waiting fibers
    # reads, for all of them. @api private
    class Listener
      include ListenerConnection

      # What waits for one fiber.
      Subscription = ::Struct.new(:channels, :limit, :queue, :ready, :error)
      private_constant :Subscription

      # @param connector [Connector]
      # @param options [Options]
      # @param counters [Hash]
      def initialize(connector, options, counters)
        @connector = connector
        @options = options
        @counters = counters
        @scheduler = Scheduler.install
        @subscriptions = []
        @wanted = ::Hash.new(0) # channel => how many want it
        @turns = Turns.new('notification from', self) { step }
        @generation = @losses = 0
        forget_connection
        @closed = false
      end

      # @return [Integer] fibers that listen
      def size = @subscriptions.size

      # @param channels [Array<String>]
      # @param limit [Integer]
      # @yieldparam kind [Symbol] :message, :ready, :gap
      # @yieldparam message [Array(String, String, Integer)] payload, channel, pid
      # @suspends until there is something
      def listen(channels, limit)
        subscription = Subscription.new(channels, limit, [], false, nil)
        add(subscription)
        life = Lifecycle.current
        loop_over(subscription, life) { |item| yield(*item) }
      ensure
        remove(subscription)
      end

      # @return [void]
      def close
        @closed = true
        end_all(Closed.new("#{inspect} was closed"))
        # libpq's objects are not for two threads at a time: another thread can only cut the connection.
        @scheduler.closed? || @scheduler.equal?(Scheduler.current) ? drop : @wire&.shut_down
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@options.place} channels=#{@wanted.size} listening=#{size}>"
      alias label inspect

      private

      def loop_over(subscription, life)
        while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
          Scheduler.checkpoint
          @turns.wait(life) { !subscription.queue.empty? || subscription.error }
          raise subscription.error if subscription.queue.empty?

          yield subscription.queue.shift
        end
      end

      def add(subscription)
        @subscriptions << subscription
        subscription.channels.each { |channel| @wanted[channel] += 1 }
        adjust
        announce # what it wants may be there already
      end

      def remove(subscription)
        @subscriptions.delete_if { |other| other.equal?(subscription) }
        subscription.channels.each do |channel|
          @wanted[channel] -= 1
          @wanted.delete(channel) if @wanted[channel].zero?
        end
        @subscriptions.empty? ? drop : adjust
      end

      # @param error [Exception] for all that listen
      def end_all(error)
        @subscriptions.each { |subscription| subscription.error ||= error.exception(error.message) }
        @turns.wake_all
      end

      # To all that want it; a fiber that is too slow gets no more.
      def deliver(notification)
        channel = notification[:relname]
        @subscriptions.each do |subscription|
          next if subscription.error || !subscription.ready || !subscription.channels.include?(channel)

          offer(subscription, [:message, notification[:extra].to_s, channel, notification[:be_pid]])
        end
      end

      def offer(subscription, item)
        if subscription.queue.size < subscription.limit
          subscription.queue << item
        else
          subscription.error = Overflow.new(
            "more than #{subscription.limit} notifications waited for a fiber that listens to " \
            "#{subscription.channels.join(', ')}: receive faster, or allow more with limit:"
          )
        end
      end

      # Tells those whose channels are all listened to.
      def announce
        @subscriptions.each do |subscription|
          next if subscription.ready == @generation || !subscription.channels.all? { |channel| @listened[channel] }

          subscription.queue << [subscription.ready ? :gap : :ready]
          subscription.ready = @generation
        end
        @turns.wake_all
      end
    end
    private_constant :Listener
  end
end
