# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # How far a selective receive has looked into the mailbox. Its filter may receive messages, too: then
    # those behind move up.
    class Scan
      # @return [Integer] the place of the next message to show, or of the one being shown
      attr_reader :position

      def initialize
        @position = 0
      end

      # The message at {#position} is shown to the filter.
      def show
        @there = true
      end

      # @return [Boolean] whether the message shown is still in the mailbox
      def there? = @there

      # It was not what is looked for.
      def go_on
        @position += 1 if @there
      end

      # The message at +index+ has left the mailbox.
      def taken(index)
        if index < @position
          @position -= 1
        elsif index == @position
          @there = false
        end
      end

      # All messages have.
      def emptied
        @position = 0
        @there = false
      end
    end
    private_constant :Scan
  end
end
