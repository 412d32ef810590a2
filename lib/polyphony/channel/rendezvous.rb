# frozen_string_literal: true

module Polyphony
  class Channel
    # A channel that holds nothing: sender and receiver meet. What a sender offers is at its place in line, and
    # taken from there only while it waits, so that it is either told that it was taken, or interrupted.
    class Rendezvous < Channel
      # @return [Integer] 0
      # @suspends no
      def size = 0

      # @return [Boolean] whether nobody offers anything
      # @suspends no
      def empty? = @senders.empty? || @closed

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

      # From the first sender that waits.
      def take
        return NONE if @closed

        while (place = @senders.claim)
          message = place.message
          return message if place.settle(self, nil)

          place.return_to(@senders)
        end
        NONE
      end

      def wait_to_put(message)
        place = Line::Place.new(Lifecycle.current, message)
        @senders.join(place)
        begin
          until place.partner
            refuse if @closed
            @receivers.wake
            Scheduler.park(@sending)
            place.rejoin
          end
        ensure
          @senders.leave(place)
        end
      end
    end
    private_constant :Rendezvous
  end
end
