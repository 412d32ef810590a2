# frozen_string_literal: true

module Polyphony
  class Topic
    # Handing messages to the subscribers of this process, or of one of its threads.
    # @api private
    module Delivery
      # @return [Integer] how many subscribers of a thread got a message
      # @api private
      # @suspends as {#publish}
      def deliver_in(thread, message) = hand_out(message, in_thread(thread))

      # Ends the subscriptions of a thread.
      # @api private
      # @suspends no
      def end_in(thread, error) = in_thread(thread).each { |subscription| subscription.close(error) }

      # @return [Boolean]
      # @api private
      # @suspends no
      def subscribed_in?(thread) = !in_thread(thread).empty?

      private

      def hand_out(message, subscriptions)
        full = nil
        delivered = subscriptions.count do |subscription|
          taken = subscription.offer(message)
          (full ||= []).push(subscription) if taken.nil?
          taken
        end
        full ? delivered + full.count { |subscription| subscription.insist(message) } : delivered
      end

      def in_thread(thread)
        subscriptions.select { |subscription| subscription.thread.equal?(thread) }
      end

      # A list of its own: there may be others when the next one gets its message. A forked child has none of
      # the fibers that subscribed, but for the one that forked.
      def subscriptions
        return @subscriptions.keys if @pid == ::Process.pid

        @pid = ::Process.pid
        Scheduler.current # notices the fork
        @subscriptions.delete_if { |subscription, _| subscription.left_behind? }
        @span.start if @span&.forget_parent && !@subscriptions.empty?
        @subscriptions.keys
      end
    end
    private_constant :Delivery
  end
end
