# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Messages: first in, first out, from any thread. Who waits says so before it looks, so that
    # another thread cannot slip a message in between unnoticed.
    module Mailbox
      # @return [Integer, nil] how many messages may wait before a sender waits, too
      attr_reader :mailbox_limit

      # @param limit [Integer, nil]
      # @raise [ArgumentError]
      def mailbox_limit=(limit)
        @mailbox_limit = limit && Polyphony.count(limit, 'mailbox limit')
        wake_senders
      end

      # @see Polyphony::Fiber#send
      def post(message)
        wait_for_room if @mailbox_limit && !@dead
        raise DeadFiber, "#{fiber.inspect} has ended and takes no messages; ask alive?, or use send?" if @dead

        (@mailbox ||= []).push(message)
        @task.wake if @receiving
      end

      # @see Polyphony::Fiber#receive
      def receive(timeout, &filter)
        Scheduler.checkpoint
        return take_at(0) if !filter && message?

        deadline = timeout && (Polyphony.now + Polyphony.duration(timeout, 'timeout'))
        filter ? take_matching(filter, deadline) : take_next(deadline)
      end

      # @see Polyphony::Fiber#receive_pending
      def receive_pending
        messages = @mailbox || []
        @mailbox = nil
        wake_senders
        messages
      end

      private

      def message?
        @mailbox && !@mailbox.empty?
      end

      def take_next(deadline)
        @receiving = true
        wait_for_message(deadline) until message?
        take_at(0)
      ensure
        @receiving = false
      end

      # Each message is shown to the filter once.
      def take_matching(filter, deadline)
        seen = 0
        while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the filter is its caller's
          @receiving = true
          until (@mailbox&.size || 0) > seen
            wait_for_message(deadline)
            @receiving = true
          end
          return take_at(seen) if filter.call(@mailbox[seen])

          seen += 1
        end
      ensure
        @receiving = false
      end

      def take_at(index)
        message = index.zero? ? @mailbox.shift : @mailbox.delete_at(index)
        wake_senders if @senders
        message
      end

      def wait_for_message(deadline)
        return Scheduler.park(:receive) unless deadline

        left = deadline - Polyphony.now
        raise TimeoutError, 'no message came in time' unless left.positive?

        left.infinite? ? Scheduler.park(:receive) : Scheduler.park(:receive, left)
      end

      def wait_for_room
        sender = Lifecycle.current
        while full?
          raise Error, 'the mailbox is full, and a fiber cannot wait for itself to empty it' if sender.equal?(self)

          (@senders ||= []).push(sender)
          Scheduler.park(:send) if full?
        end
      end

      def full?
        !@dead && @mailbox_limit && (@mailbox&.size || 0) >= @mailbox_limit
      end

      def drop_messages
        @mailbox = nil
        wake_senders
      end

      def wake_senders
        senders = @senders
        @senders = nil
        senders&.each(&:wake)
      end
    end
  end
end
