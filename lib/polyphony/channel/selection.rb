# frozen_string_literal: true

require_relative 'inbox'

module Polyphony
  class Channel
    # Receiving from one of several channels. The fiber lines up in all of them with one place, and leaves all
    # lines with the first message: no other is taken out of its channel.
    class Selection
      # @param sources [Array<Channel, Topic::Subscription, Fiber>] or one Array of them
      # @raise [TypeError, ArgumentError]
      def initialize(sources)
        sources = sources.first if sources.size == 1 && sources.first.is_a?(::Array)
        raise ::ArgumentError, 'nothing to select from' if sources.empty?

        @life = Lifecycle.current
        @sources = sources.to_h { |source| [channel_of(source), source] }.compare_by_identity
        @channels = @sources.keys
      end

      # @return [Array(Object, Object)] source and message
      # @suspends until there is a message
      def receive(deadline)
        Scheduler.checkpoint
        take { |channel| channel.take_unawaited } || wait(Line::Place.new(@life), deadline)
      end

      private

      def channel_of(source)
        case source
        when Channel then source
        when Topic::Subscription then source.channel
        when FiberMethods then inbox_of(source)
        else raise ::TypeError, "cannot receive from #{source.inspect}: give channels, subscriptions, Polyphony.current"
        end
      end

      def inbox_of(fiber)
        return Inbox.new(@life) if fiber.equal?(@life.fiber)

        raise ::ArgumentError, "#{fiber.inspect} is not the calling fiber: only its own mailbox can be received from"
      end

      def wait(place, deadline)
        @channels.each { |channel| channel.line_up(place) }
        given = nil
        given = park(place, deadline) until (found = given || take { |channel| channel.take_first(place) })
        found
      ensure
        place.close(given)
        @channels.each { |channel| channel.step_out(place) }
      end

      # @return [Array(Object, Object), nil] what was given meanwhile
      def park(place, deadline)
        raise Closed, 'all channels are closed, and nothing is left in them' if over?

        Waiting.park(:select, deadline) { 'nothing came through any of the channels in time' }
        return [@sources[place.giver], place.message] if place.given?

        place.rejoin
        @channels.each(&:line_up_again)
        nil
      end

      # @return [Array(Object, Object), nil] the first message that there is
      def take
        @channels.each do |channel|
          message = yield channel
          return [@sources[channel], message] unless message.equal?(NONE)
        end
        nil
      end

      # Each is asked: one that was closed with an error raises it.
      def over?
        @channels.count(&:over?) == @channels.size
      end
    end
    private_constant :Selection
  end
end
