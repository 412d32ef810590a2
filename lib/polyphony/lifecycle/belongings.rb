# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # What ends when a fiber ends, or is restarted: calls that it has not answered, its subscriptions; and what
    # ends only when it has ended for good: its names. From any thread.
    module Belongings
      # @return [Array<Object>] the names it is registered under, or was when it ended (see {Registry})
      def names = @names ||= []

      # @return [Array<Object>]
      attr_writer :names

      # @param thing [#owner_ended]
      def own(thing)
        # A bare literal: a method called on it would let another thread make a second one.
        (@belongings ||= {})[thing] = true
      end

      # @return [Boolean] whether it was owned: true for one caller only
      def disown(thing)
        @belongings&.delete(thing) ? true : false
      end

      private

      # The run ends.
      def end_belongings
        @belongings&.keys&.each { |thing| thing.owner_ended(self) if disown(thing) }
      end

      # The fiber has ended: who waits for it to take a message, or to answer, waits in vain.
      def disconnect
        @senders&.wake_all
        end_belongings if @belongings
        Registry.release(self) if @names
      end
    end
  end
end
