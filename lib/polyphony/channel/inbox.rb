# frozen_string_literal: true

module Polyphony
  class Channel
    # The calling fiber's mailbox, as a Selection asks a channel.
    class Inbox
      # @param life [Lifecycle] the calling fiber
      def initialize(life)
        @life = life
      end

      # @return [Object] a message, or NONE
      def take_unawaited
        @life.mailbox_size.zero? ? NONE : @life.receive
      end

      # @return [Object] a message, or NONE
      def take_first(_place) = take_unawaited

      # From now on a message wakes the fiber.
      def line_up(_place) = @life.receiving = true

      # After a wait.
      def line_up_again; end

      # No more.
      def step_out(_place) = @life.receiving = false

      # @return [Boolean]
      def over? = false
    end
    private_constant :Inbox
  end
end
