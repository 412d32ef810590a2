# frozen_string_literal: true

require_relative 'topic/subscription'

module Polyphony
  # Sends each message to all who have subscribed, wherever they are in the process: each has a queue of its own, and
  # all get the same object.
  #
  #   prices = Polyphony::Topic.new(:prices)
  #   spin { prices.subscribe { |price| update(price) } }
  #   prices.publish(Price.new('ACME', 12.5)) # => 1
  #
  # A subscriber that is too slow holds up nobody, unless it asks for that: see {#subscribe}.
  class Topic
    # @return [Object] what the program calls it
    attr_reader :name

    # @param name [Object] for `inspect` and messages
    def initialize(name = nil)
      @name = name
      @subscriptions = {}.compare_by_identity
      @closed = false
      @pid = ::Process.pid
    end

    # Sends a message to all subscribers.
    #
    # @param message [Object] all get this object: freeze what must not change
    # @return [Integer] how many got it
    # @raise [Polyphony::Closed] when the topic is closed
    # @suspends only while the queue of a subscriber with `overflow: :wait` is full; the others have it by then
    def publish(message)
      deliver(message)
    end
    alias << publish

    # What {#publish} ends in: sends a message to the subscribers in this process. A topic that spans several
    # processes publishes elsewhere and delivers what comes back.
    #
    # @param message [Object]
    # @return [Integer] how many got it
    # @raise [Polyphony::Closed] when the topic is closed
    # @suspends as {#publish}
    def deliver(message)
      raise Closed, "#{inspect}: nothing can be published" if @closed

      full = nil
      delivered = subscriptions.count do |subscription|
        taken = subscription.offer(message)
        (full ||= []).push(subscription) if taken.nil?
        taken
      end
      full ? delivered + full.count { |subscription| subscription.insist(message) } : delivered
    end

    # Subscribes the calling fiber, until it closes the subscription, ends or is restarted. What was published
    # before is not received.
    #
    # With a block: yields message after message until the topic is closed; `break` ends it, too.
    #
    # @param limit [Integer, nil] how many messages may wait for the subscriber; nil: any number
    # @param overflow [Symbol] what happens to a message beyond the limit:
    #   :raise: the subscription is closed, and when the rest has been received, {Overflow} is raised;
    #   :close: the same, without an error;
    #   :drop_oldest, :drop_newest: one is dropped, and counted in {Subscription#dropped};
    #   :wait: who publishes waits until there is room
    # @yieldparam message [Object]
    # @return [Polyphony::Topic::Subscription] without a block
    # @raise [ArgumentError] for a limit that is not positive, or an unknown overflow
    # @raise [Polyphony::Closed] when the topic is closed
    # @raise [Polyphony::Overflow] with a block, see above
    # @suspends with a block: until there is a message
    def subscribe(limit: 1000, overflow: :raise, &block)
      raise Closed, "#{inspect}: there will be nothing to receive" if @closed

      subscription = Subscription.open(self, Lifecycle.current, limit, overflow)
      @subscriptions[subscription] = true
      subscription.close if @closed # by another thread
      block ? consume(subscription, block) : subscription
    end

    # @return [Integer] how many subscriptions there are
    # @suspends no
    def subscribers = @subscriptions.size

    # Ends all subscriptions: what waits for them can still be received.
    #
    # @param error [Exception, Class, String, nil] what subscribers get then
    # @return [self]
    # @suspends no
    def close(error = nil)
      @closed = true
      subscriptions.each { |subscription| subscription.close(error) }
      self
    end

    # @return [Boolean]
    # @suspends no
    def closed? = @closed

    # @return [String]
    # @suspends no
    def inspect
      "#<#{[self.class, @name&.inspect, "subscribers=#{subscribers}", ('closed' if @closed)].compact.join(' ')}>"
    end

    # @param subscription [Subscription]
    # @return [void]
    # @api private
    # @suspends no
    def remove(subscription)
      @subscriptions.delete(subscription)
    end

    private

    # A list of its own: there may be others when the next one gets its message. A forked child has none of
    # the fibers that subscribed, but for the one that forked.
    def subscriptions
      return @subscriptions.keys if @pid == ::Process.pid

      @pid = ::Process.pid
      @subscriptions.keys.each { |subscription| remove(subscription) unless subscription.of?(Lifecycle.current) }
      @subscriptions.keys
    end

    def consume(subscription, block)
      subscription.each(&block)
      nil
    ensure
      subscription.close
    end
  end
end
