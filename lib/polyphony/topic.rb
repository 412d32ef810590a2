# frozen_string_literal: true

require_relative 'topic/subscription'
require_relative 'topic/delivery'
require_relative 'topic/span'

module Polyphony
  # Sends each message to all who have subscribed, wherever they are in the process: each has a queue of its own, and
  # all get the same object.
  #
  #   prices = Polyphony::Topic.new(:prices)
  #   spin { prices.subscribe { |price| update(price) } }
  #   prices.publish(Price.new('ACME', 12.5)) # => 1
  #
  # A subscriber that is too slow holds up nobody, unless it asks for that: see {#subscribe}.
  #
  # With `over:` it spans processes and machines: what one of them publishes, the subscribers of all get.
  #
  #   prices = Polyphony::Topic.new(:prices, over: Polyphony::Redis.new)
  class Topic
    include Delivery

    # @return [Object] what the program calls it
    attr_reader :name

    # @param name [Object] for `inspect` and messages; with `over:` the name of the channel
    # @param over [#publish, #subscribe, nil] carries messages between processes: a {Polyphony::Redis}, a
    #   {Polyphony::Postgres}, or what has `publish(channel, payload)` and `subscribe(channel) { |payload| }`, which
    #   suspends and reconnects by itself. If that takes `ready:` and `gap:`, it calls them when it listens (again)
    # @param codec [#dump, #load, nil] messages to Strings and back; nil: JSON, with what JSON has. Marshal only among
    #   processes that trust each other
    # @param on_gap [#call, nil] called with the topic, and the error or nil, when messages may have been missed
    # @raise [ArgumentError, TypeError]
    # @suspends no
    def initialize(name = nil, over: nil, codec: nil, on_gap: nil)
      @name = name
      @subscriptions = {}.compare_by_identity
      @closed = false
      @pid = ::Process.pid
      @span = over && Span.new(self, over, codec, on_gap)
    end

    # Sends a message to all subscribers.
    #
    # @param message [Object] all get this object: freeze what must not change
    # @return [Integer, Object] how many got it; with `over:` what the engine says to that
    # @raise [Polyphony::Closed] when the topic is closed
    # @raise [StandardError] with `over:` what the codec and the engine raise
    # @suspends only while the queue of a subscriber with `overflow: :wait` is full; the others have it by then. With
    #   `over:` until the engine has taken it
    def publish(message)
      return deliver(message) unless @span
      raise Closed, "#{inspect}: nothing can be published" if @closed

      @span.publish(message)
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

      hand_out(message, subscriptions)
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
    # @raise [StandardError] with `over:` what the engine fails with
    # @suspends with a block: until there is a message; with `over:` until the engine listens
    def subscribe(limit: 1000, overflow: :raise, &block)
      raise Closed, "#{inspect}: there will be nothing to receive" if @closed

      subscription = Subscription.open(self, Lifecycle.current, limit, overflow)
      @subscriptions[subscription] = true
      subscription.close if @closed # by another thread
      listen(subscription) if @span
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
      @span&.close
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
      @span&.left(subscription.thread)
    end

    private

    def listen(subscription)
      @span.joined
      listening = true
    ensure
      subscription.close unless listening
    end

    def consume(subscription, block)
      subscription.each(&block)
      nil
    ensure
      subscription.close
    end
  end
end
