# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Messages: first in, first out, from any thread.
    module Mailbox
      # @return [Integer, nil] how many messages may wait before a sender waits, too
      attr_reader :mailbox_limit

      # @param limit [Integer, nil]
      # @raise [ArgumentError]
      def mailbox_limit=(limit)
        unless limit.nil? || (limit.is_a?(::Integer) && limit.positive?)
          raise ::ArgumentError, "mailbox limit must be a positive Integer or nil, not #{limit.inspect}"
        end

        @mailbox_limit = limit
      end

      # @see Polyphony::Fiber#send
      def post(message)
        raise DeadFiber, "#{fiber.inspect} has ended and takes no messages; ask alive?, or use send?" if @dead

        wait_for_room if @mailbox_limit
        (@mailbox ||= []).push(message)
        @task.wake if @receiving
      end

      # @see Polyphony::Fiber#receive
      def receive(timeout, &filter)
        Scheduler.checkpoint
        loop do
          index = filter ? @mailbox&.index(&filter) : 0
          return take(index) if index && @mailbox && index < @mailbox.size

          deadline ||= deadline_for(timeout)
          wait_for_message(deadline)
        end
      end

      # @see Polyphony::Fiber#receive_pending
      def receive_pending
        messages = @mailbox || []
        @mailbox = nil
        wake_senders
        messages
      end

      private

      def take(index)
        message = index.zero? ? @mailbox.shift : @mailbox.delete_at(index)
        wake_senders if @senders
        message
      end

      def deadline_for(timeout)
        timeout ? Polyphony.now + Polyphony.duration(timeout, 'timeout') : ::Float::INFINITY
      end

      def wait_for_message(deadline)
        @receiving = true
        left = deadline - Polyphony.now unless deadline == ::Float::INFINITY
        raise TimeoutError, 'no message came in time' if left && left <= 0

        left ? Scheduler.park(:receive, left) : Scheduler.park(:receive)
      ensure
        @receiving = false
      end

      def wait_for_room
        sender = Lifecycle.current
        while (@mailbox&.size || 0) >= @mailbox_limit
          (@senders ||= []).push(sender)
          Scheduler.park(:send)
          raise DeadFiber, "#{fiber.inspect} ended before it took the message" if @dead
        end
      end

      def wake_senders
        senders = @senders
        @senders = nil
        senders&.each(&:wake)
      end
    end
  end
end
