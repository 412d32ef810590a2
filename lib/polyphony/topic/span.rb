# frozen_string_literal: true

require_relative 'relay'

module Polyphony
  class Topic
    # What makes a topic one of several processes: messages go out through an engine, and come back to all. In each
    # thread that has subscribers, one {Relay} listens.
    # @api private
    class Span
      # JSON, without objects of other classes than its own. Loaded when needed: it adds methods to all objects.
      module JSONCodec
        # @return [String]
        def self.dump(message) = ::JSON.generate(message)

        # @return [Object]
        def self.load(payload) = ::JSON.parse(payload)
      end
      private_constant :JSONCodec

      # @return [String]
      attr_reader :channel
      # @return [#publish, #subscribe]
      attr_reader :engine
      # @return [#call, nil]
      attr_reader :on_gap

      # @raise [ArgumentError, TypeError]
      def initialize(topic, engine, codec, on_gap)
        check(topic, engine, codec, on_gap)
        @topic = topic
        @channel = topic.name.to_s
        @engine = engine
        @codec = codec || json
        @on_gap = on_gap
        @relays = {}.compare_by_identity
        @pid = ::Process.pid
      end

      # @return [Object] what the engine gives
      def publish(message)
        @engine.publish(@channel, @codec.dump(message))
      end

      # Sees to it that somebody listens in this thread.
      # @suspends until the engine has confirmed it, if it tells
      def joined
        start.wait
      end

      # The same, without waiting.
      # @return [Relay]
      def start
        forget_parent
        relay = @relays[::Thread.current]
        relay&.live? ? relay : @relays[::Thread.current] = Relay.new(self, @topic)
      end

      # A subscription of +thread+ has ended.
      def left(thread)
        return if @topic.subscribed_in?(thread)

        @relays.delete(thread)&.stop
      end

      # @suspends no
      def close
        relays = @relays.values
        @relays.clear
        relays.each(&:stop)
      end

      # In a forked child: the relays are the parent's.
      # @return [Boolean] whether there were any
      def forget_parent
        return false if @pid == ::Process.pid

        @pid = ::Process.pid
        any = !@relays.empty?
        @relays = {}.compare_by_identity
        any
      end

      # @return [Object] the message
      # @raise [StandardError] when the codec cannot read it
      def decode(payload) = @codec.load(payload)

      private

      def json
        require 'json'
        JSONCodec
      end

      def check(topic, engine, codec, on_gap)
        raise ::ArgumentError, 'a topic over: something needs a name, which is that of the channel' if topic.name.nil?

        require_methods(engine, %i[publish subscribe], 'over: takes what has publish(channel, payload) and ' \
                                                       'subscribe(channel) { |payload| }, as Polyphony::Redis')
        require_methods(codec, %i[dump load], 'codec: takes what has dump and load, as Marshal') if codec
        require_methods(on_gap, %i[call], 'on_gap: takes something to call') if on_gap
      end

      def require_methods(given, names, words)
        raise ::TypeError, "#{words}, not #{given.inspect}" unless names.all? { |name| given.respond_to?(name) }
      end
    end
    private_constant :Span
  end
end
