# frozen_string_literal: true

require_relative 'hub/listener'
require_relative 'hub/traffic'

module Polyphony
  class Redis
    # The subscriptions of a thread, over one connection. As in a {Link}, no fiber of its own reads, but one of those
    # that wait; while its block runs, another does. While all blocks run, nobody reads: the server keeps what comes.
    # @api private
    class Hub
      include Traffic

      # Seconds of silence after which the server is asked whether it is still there.
      PING = 15
      INCOMPLETE = Reader::INCOMPLETE
      REASON = :'message of Redis'
      MESSAGES = { 'message' => 'SUBSCRIBE', 'smessage' => 'SSUBSCRIBE' }.freeze
      CONFIRMATIONS = %w[subscribe psubscribe ssubscribe].freeze
      UNDO = { 'SUBSCRIBE' => 'UNSUBSCRIBE', 'PSUBSCRIBE' => 'PUNSUBSCRIBE', 'SSUBSCRIBE' => 'SUNSUBSCRIBE' }.freeze
      private_constant :PING, :INCOMPLETE, :REASON, :MESSAGES, :CONFIRMATIONS, :UNDO

      # @yieldreturn [RedisClient] connected
      def initialize(config, &connector)
        @config = config
        @connector = connector
        @listeners = []
        @channels = ::Hash.new { |hash, verb| hash[verb] = {} } # verb => channel => listeners
        @patience = Patience.new("subscriptions to #{config.server_url}")
      end

      # Hands out what comes, for ever.
      #
      # @yieldparam kind [Symbol] :ready, :gap with an error, or :message with payload, channel and maybe pattern
      # @raise [RedisClient::Error, Polyphony::Overflow, Polyphony::Closed]
      # @suspends until there is something
      def listen(verb, channels, limit)
        listener = join(Listener.new(verb, channels, limit))
        while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
          wait_for_news(listener)
          yield(*listener.shift)
        end
      ensure
        leave(listener) if listener
      end

      # @return [true]
      # @suspends no
      def close
        @closed = true
        error = Closed.new("Polyphony::Redis for #{@config.server_url} was closed")
        @listeners.each { |listener| listener.fail_with(error) }
        @leader ? @wire&.cut : hang_up
        true
      end

      private

      def join(listener)
        @listeners.push(listener)
        listener.channels.each { |channel| (@channels[listener.verb][channel] ||= []).push(listener) }
        ask_for(listener) if @wire
        listener
      end

      def leave(listener)
        @listeners.delete(listener)
        unused = listener.channels.uniq.select { |channel| forget(listener, channel) }
        return hang_up if @listeners.empty?

        send_out(UNDO[listener.verb], *unused) if @wire && !unused.empty?
        appoint
      end

      # @return [Boolean] whether nobody listens to the channel any more
      def forget(listener, channel)
        others = @channels[listener.verb][channel]
        others.delete(listener)
        @channels[listener.verb].delete(channel) if others.empty?
        others.empty?
      end

      def wait_for_news(listener)
        Scheduler.checkpoint
        @leader ? listener.wait : lead(listener) until listener.news?
      end

      def lead(listener)
        @leader = listener
        @patience.try { @wire ? receive : dial } until listener.news?
      ensure
        @leader = nil
        appoint
      end

      # One who waits is to read from now on.
      def appoint
        return if @leader

        @listeners.find(&:waiting?)&.life&.wake
      end
    end
    private_constant :Hub
  end
end
