# frozen_string_literal: true

require_relative 'listener'

module Polyphony
  class Postgres
    # LISTEN, as a loop. All loops of a thread share one connection, which is none of the pool's.
    module Listening
      # Yields what is sent to channels by NOTIFY, until the fiber is stopped or the block ends it with `break`.
      #
      # When the connection is lost it makes another, for as long as it takes, and listens again. What was sent in
      # between is lost: `gap` is called then, to look in the database for what was missed. `ready` and `gap` are called
      # in the listening fiber, in order with the block.
      #
      # @param channels [Array<String, Symbol>] at least one; case counts
      # @param ready [#call, nil] called once, when it listens: what is sent from now on is received
      # @param gap [#call, nil] called when it listens again after the connection was lost
      # @param limit [Integer] how many notifications may wait for the block, while other fibers read theirs
      # @yieldparam payload [String] '' if it was sent without
      # @yieldparam channel [String]
      # @yieldparam pid [Integer] the server's process of who sent it
      # @return [void] what `break` gives
      # @raise [Polyphony::Overflow] when the block is too slow: more than +limit+ waited
      # @raise [Polyphony::Postgres::ConnectionFailed] when there is no connection to begin with, or none that the
      #   server would admit
      # @raise [Polyphony::Closed] when the database is closed
      # @raise [ArgumentError] without a channel or a block, for names that are too long
      # @suspends until there is a notification; always a point where the fiber can be stopped
      def listen(*channels, ready: nil, gap: nil, limit: 10_000, &block)
        raise ::ArgumentError, 'a block is required' unless block
        raise ::ArgumentError, 'at least one channel is required' if channels.flatten.empty?

        names = channels.flatten.map { |channel| Notifying.channel(channel) }.uniq
        Polyphony.count(limit, 'limit')
        hooks = { ready: ready, gap: gap }
        listener.listen(names, limit) { |kind, *message| kind == :message ? yield(*message) : hooks[kind]&.call }
      end

      # With {#subscribe}, what {Polyphony::Topic} needs to span processes: `Topic.new('news', over: db)`.
      #
      # @param channel [String, Symbol]
      # @param payload [String] up to 7999 bytes
      # @return [nil]
      # @raise [Polyphony::Postgres::PayloadTooLong] and the others of {Notifying#notify}
      # @suspends until the server has taken it
      def publish(channel, payload) = notify(channel, payload)

      # Yields the payloads sent to a channel, until the fiber is stopped.
      #
      # @param channel [String, Symbol]
      # @param ready [#call, nil] as {#listen}
      # @param gap [#call, nil]
      # @param limit [Integer]
      # @yieldparam payload [String]
      # @return [void] what `break` gives
      # @raise [Exception] as {#listen}
      # @suspends until there is one
      def subscribe(channel, ready: nil, gap: nil, limit: 10_000, &block)
        raise ::ArgumentError, 'a block is required' unless block

        listen(channel, ready: ready, gap: gap, limit: limit) { |payload| block.call(payload) }
      end

      private

      def listener
        raise Closed, "#{inspect} is closed" if closed?

        scheduler = Scheduler.install
        listeners.delete_if { |old, listener| old.closed? && (listener.close || true) }
        listeners[scheduler] ||= Listener.new(@connector, @options, @counters)
      end

      # One for each thread; in a forked child none.
      def listeners
        return @listeners if @listeners_pid == ::Process.pid

        Forks.notice
        @listeners_pid = ::Process.pid
        @listeners = {}.compare_by_identity
      end
    end
  end
end
