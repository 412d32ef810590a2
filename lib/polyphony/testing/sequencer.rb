# frozen_string_literal: true

module Polyphony
  module Testing
    # A step was used twice, never came, or was cut short before its turn.
    class SequenceError < Error; end

    # Puts steps of several fibers into an order, whatever order the fibers run in: step 0 first, then
    # 1, and so on. A step begins when the one before it has ended.
    #
    #   seq = Polyphony::Testing::Sequencer.new
    #   spin { seq.call(0) { puts 'a' }; seq.call(2) { puts 'c' } }
    #   spin { seq.call(1) { puts 'b' } }
    class Sequencer
      def initialize
        @next = 0
        @taken = {}
        @waiting = {}
      end

      # Waits for its turn, and runs the block.
      #
      # @param step [Integer] 0, 1, 2 …: each is for one call
      # @return [Object] the block's value; nil without a block
      # @raise [SequenceError] when the step was used before, or one before it was cut short
      # @raise [TypeError, ArgumentError] for what is no number of a step
      # @suspends until all steps before have ended
      def call(step)
        take(step)
        begin
          wait_for_turn(step)
          yield if block_given?
        ensure
          leave(step)
        end
      end
      alias [] call

      # Checks that nothing is amiss when the test is over.
      #
      # @param count [Integer, nil] how many steps there should have been; nil: as many as were used
      # @return [self]
      # @raise [SequenceError] when a fiber still waits for its turn, or steps are missing
      # @suspends no
      def finish(count = nil)
        broken! if @broken
        last = @taken.keys.max || -1
        missing! if @next <= (count ? count - 1 : last)
        raise SequenceError, "there are more than #{count} steps: step #{last} came" if count && last >= count

        self
      end

      # @return [Integer] the step that is next, or running
      # @suspends no
      def step
        @next
      end

      # @return [String]
      def inspect
        "#<#{self.class} next=#{@next} waiting=#{@waiting.keys.sort}>"
      end

      private

      def take(step)
        raise ::TypeError, "a step is an Integer, not #{step.inspect}" unless step.is_a?(::Integer)
        raise ::ArgumentError, "steps begin with 0, not #{step}" if step.negative?
        raise SequenceError, "step #{step} was used before" if @taken[step]

        @taken[step] = true
      end

      def wait_for_turn(step)
        @waiting[step] = Lifecycle.current
        until @next == step
          broken! if @broken
          Scheduler.park("turn #{step} of a sequence that is at #{@next}")
        end
      ensure
        @waiting.delete(step)
      end

      # A step that ends before its turn leaves a hole: later ones would wait for ever.
      def leave(step)
        if @next == step
          @next += 1
          @waiting[@next]&.wake
        else
          @broken ||= step
          @waiting.each_value(&:wake)
        end
      end

      def missing!
        what = @taken[@next] ? 'has not ended' : 'never came'
        waiting = @waiting.keys.min
        raise SequenceError, "step #{@next} #{what}" unless waiting

        raise SequenceError, "step #{@next} #{what}: step #{waiting} waits for it"
      end

      def broken!
        raise SequenceError, "step #{@broken} was stopped or cancelled before its turn"
      end
    end
  end
end
