# frozen_string_literal: true

module Polyphony
  class Channel
    # A channel that holds nothing. A receiver that waits wakes the first sender, and that gives it the message
    # itself: so a `send` that is interrupted has given nothing.
    class Rendezvous < Channel
      # @return [Integer] 0
      # @suspends no
      def size = 0

      # @return [Boolean]
      # @suspends no
      def empty? = @back.nil? || @back.empty?

      # @return [Boolean]
      # @suspends no
      def closed? = @closed

      private

      def prepare
        @closed = false
      end

      def shut
        @closed = true
      end

      def put(message)
        refuse if @closed
        hand_over(message)
      end

      def take = take_back

      def room? = !@receivers.empty?

      def invite
        @senders.wake
      end
    end
    private_constant :Rendezvous
  end
end
