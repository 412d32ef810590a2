# frozen_string_literal: true

require_relative '../line'
require_relative '../waiting'
require_relative 'scan'

module Polyphony
  class Lifecycle
    # Messages: first in, first out, from any thread and from signal handlers. No lock is possible there, and
    # none is needed: each step is one C function on an Array, during which no other thread runs. Who waits says
    # so before it looks, so that nobody can slip a message in between unnoticed. The Array, once it is there,
    # stays until the fiber's end, since a sender may have it in hand.
    module Mailbox
      # @return [Integer, nil] how many messages may wait before a sender waits, too
      attr_reader :mailbox_limit

      # @param limit [Integer, nil]
      # @raise [ArgumentError]
      def mailbox_limit=(limit)
        @senders ||= Line.new
        @mailbox_limit = limit && Polyphony.count(limit, 'mailbox limit')
        @senders.wake
      end

      # @return [Integer] how many messages wait
      def mailbox_size
        @mailbox ? @mailbox.size : 0
      end

      # @return [Boolean] whether a message is to wake the fiber
      attr_writer :receiving

      # @param deadline [Float, nil] until when to wait for room
      # @see Polyphony::Fiber#send
      # @suspends only while the limit is reached
      def post(message, deadline = nil, &refused)
        return post_in_turn(message, deadline, refused) if @mailbox_limit

        refuse_message(refused) if @dead
        (@mailbox ||= []) << message
        @task.wake if @receiving
      end

      # Takes the oldest message.
      # @suspends until there is one
      def receive
        box = (@mailbox ||= [])
        box.empty? ? wait_for_message(box, 0) : Scheduler.checkpoint
        @senders || @scans ? take_at(0) : box.shift
      end

      # As {#receive}, with what most callers do without.
      # @see Polyphony.receive
      def receive_special(timeout, filter)
        deadline = Waiting.deadline(timeout)
        Scheduler.checkpoint
        box = (@mailbox ||= [])
        return take_matching(box, filter, deadline) if filter

        wait_for_message(box, 0, deadline) if box.empty?
        take_at(0)
      end

      # @see Polyphony::Fiber#receive_pending
      def receive_pending
        box = (@mailbox ||= [])
        messages = box.shift(box.size)
        @scans&.each(&:emptied)
        @senders&.wake
        messages
      end

      private

      # @param seen [Integer] how many messages are there already
      def wait_for_message(box, seen, deadline = nil)
        @receiving = true
        while box.size <= seen
          deadline ? Waiting.park(:receive, deadline) { 'no message came in time' } : Scheduler.park(:receive)
        end
      ensure
        @receiving = false
      end

      # Each message is shown to the filter once. The filter may itself wait, receive or raise.
      def take_matching(box, filter, deadline)
        (@scans ||= []).push(scan = Scan.new)
        while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the filter is its caller's
          wait_for_message(box, scan.position, deadline) if box.size <= scan.position
          scan.show
          return take_at(scan.position) if filter.call(box[scan.position]) && scan.there?

          scan.go_on
        end
      ensure
        @scans.delete(scan)
      end

      def take_at(index)
        message = index.zero? ? @mailbox.shift : @mailbox.delete_at(index)
        @scans&.each { |scan| scan.taken(index) }
        @senders&.wake
        message
      end

      # Only who is first in line puts a message in: so the limit is exact, also among threads.
      def post_in_turn(message, deadline, refused)
        place = Line::Place.new(Lifecycle.current)
        @senders.join(place)
        begin
          wait_for_room(place, deadline, refused)
          (@mailbox ||= []) << message
        ensure
          @senders.leave(place)
          @senders.wake if @dead || room?
        end
        @task.wake if @receiving
      end

      def wait_for_room(place, deadline, refused)
        reason = nil
        until @senders.first?(place) && room?
          refuse_message(refused) if @dead || outlived_by?(place.life)
          refuse_own_message if place.life.equal?(self)
          Waiting.park(reason ||= Reason.new('send to', self), deadline) { "the mailbox of #{label} stayed full" }
        end
        refuse_message(refused) if @dead
      end

      # @return [Boolean] whether this fiber waits for the end of +sender+, and empties its mailbox no more
      def outlived_by?(sender)
        ending? && sender.within?(self)
      end

      def room?
        limit = @mailbox_limit
        limit.nil? || mailbox_size < limit
      end

      def refuse_own_message
        raise Error, "the mailbox is full (mailbox_limit #{@mailbox_limit}): who is to empty it cannot wait for that"
      end

      def refuse_message(skip)
        raise DeadFiber, "#{fiber.inspect} #{@dead ? 'has ended' : 'ends'} and takes no messages; ask alive?, or use send?" unless skip&.call
      end

      # For a restart: what was meant for the old run does not reach the new one.
      def drop_messages
        receive_pending
        end_belongings
      end
    end
  end
end
