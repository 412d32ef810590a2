# frozen_string_literal: true

module Polyphony
  class Channel
    # The receiving side, for `receive` and for a Selection of several channels. Who receives lines up, takes when
    # it is first and there is something, and steps out.
    module Source
      # @return [Boolean] whether it is closed and nothing is left
      # @raise [Exception] what it was closed with
      def over?
        return false unless closed? && empty?

        @error ? raise(@error, cause: @error.cause) : true
      end

      # @param place [Line::Place]
      def line_up(place)
        @receivers.join(place)
        invite
      end

      # After a wait.
      def line_up_again = invite

      # @return [Object] a message, or NONE
      def take_first(place)
        @receivers.first?(place) ? take : NONE
      end

      # @return [Object] a message if nobody waits for it, or NONE
      def take_unawaited
        @receivers.empty? ? take : NONE
      end

      # Whoever is next now may find what this one has left.
      def step_out(place)
        @receivers.leave(place)
        @receivers.wake if !empty? || closed?
      end

      private

      # @return [Object] a message; NONE at the end
      def take_next(deadline)
        life = Scheduler.handle || Lifecycle.current
        Scheduler.checkpoint
        if @receivers.empty?
          message = take
          return message unless NONE.equal?(message)
        end
        wait_to_take(Line::Place.new(life), deadline)
      end

      def wait_to_take(place, deadline)
        line_up(place)
        while NONE.equal?(message = take_first(place))
          return NONE if closed? && over?

          deadline ? park_until(deadline) : Scheduler.park(@receiving)
          return place.message if (taken = place.given?)

          place.rejoin
          invite
        end
        message
      ensure
        place.close(taken)
        step_out(place)
      end

      def park_until(deadline)
        Waiting.park(@receiving, deadline) { 'nothing came through the channel in time' }
      end
    end
    private_constant :Source
    include Source
  end
end
