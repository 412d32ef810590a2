# frozen_string_literal: true

module Polyphony
  class Channel
    # Where the messages are: a stock queue, of which only what does not wait is used. It does in one step, among
    # threads, what must be one step: to put in unless it is full or closed, to take unless it is empty.
    module Buffer
      # Puts in, come what may: as long as there is no room, the oldest message goes.
      #
      # @return [Integer] how many went
      def squeeze(message)
        dropped = 0
        dropped += 1 unless take.equal?(NONE) until put(message)
        dropped
      end

      # A message that was given to a receiver comes back: the next one gets it first.
      def give_back(message)
        (@back ||= []) << [message]
        @receivers.wake
      end

      private

      # Receivers that wait: nothing to tell to senders, who put in what there is room for.
      def invite; end

      def prepare
        @queue = @capacity ? ::Thread::SizedQueue.new(Polyphony.count(@capacity, 'capacity')) : ::Thread::Queue.new
      end

      def shut
        @queue.close
      end

      # @return [Boolean] whether there was room
      # @raise [Polyphony::Closed]
      def put(message)
        refuse if @queue.closed?
        return true if empty? && hand_over(message)
        return false unless room?

        @capacity ? @queue.push(message, true) : @queue.push(message)
        @receivers.wake
        true
      rescue ::ClosedQueueError
        refuse # another thread has closed it meanwhile
      rescue ::ThreadError
        false # another thread has filled it meanwhile
      end

      # @return [Object] the oldest message, or NONE
      def take
        return take_back if @back && !@back.empty?
        return NONE if @queue.empty?

        message = @queue.pop(true)
        @senders.wake
        message
      rescue ::ThreadError
        NONE # another thread has emptied it meanwhile
      end

      # @return [Object] what {#give_back} has kept, or NONE
      def take_back
        kept = @back&.shift
        kept ? kept.first : NONE
      end

      # Straight into the hands of a receiver that waits: that spares it a look.
      def hand_over(message)
        while (place = @receivers.claim)
          return true if place.give(self, message)

          place.return_to(@receivers)
        end
        false
      end

      def wait_to_put(message)
        place = Line::Place.new(Lifecycle.current)
        @senders.join(place)
        begin
          Scheduler.park(@sending) until (@senders.first?(place) || closed?) && put(message)
        ensure
          @senders.leave(place)
          @senders.wake if closed? || room?
        end
      end

      def room? = @capacity.nil? || @queue.size < @capacity

      def refuse
        raise Closed, 'the channel is closed: nothing can be sent', cause: @error
      end
    end
    private_constant :Buffer
    include Buffer
  end
end
