# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Waiting for the end of a fiber, from any fiber of any thread.
    module Awaiting
      # @see Polyphony::Fiber#await
      def await
        awaiter = Lifecycle.current
        refuse_circle(awaiter)
        wait_until_dead(awaiter)
        outcome(awaiter)
      end

      # @suspends until this fiber is dead
      def wait_until_dead(awaiter = Lifecycle.current)
        return Scheduler.checkpoint if @dead

        add_awaiter(awaiter)
        begin
          Scheduler.park(:await) until @dead
        rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
          give_back(awaiter)
          raise
        ensure
          remove_awaiter(awaiter)
        end
      end

      # @return [Object] the result
      # @raise [Exception] what the fiber failed with
      def outcome(awaiter = nil)
        return @result unless @error

        awaiter&.mark_delivered(@error) if @parent.equal?(awaiter)
        raise @error
      end

      # @return [Boolean]
      def awaited_by?(life)
        @awaiters ? @awaiters.include?(life) : false
      end

      def add_awaiter(life)
        (@awaiters ||= []).push(life)
      end

      def remove_awaiter(life)
        index = @awaiters&.index(life)
        @awaiters.delete_at(index) if index
      end

      # The parent was to get an error through `await` but is unwinding for another reason.
      def give_back(awaiter)
        awaiter.deliver_error(@error) if @dead && @error && @parent.equal?(awaiter)
      end

      # @raise [Polyphony::Error]
      def refuse_circle(awaiter)
        return unless awaiter.within?(self)

        raise Error, awaiter.equal?(self) ? 'a fiber cannot await itself' : 'a fiber cannot await its own ancestor, which waits for it'
      end

      private

      def notify_awaiters
        @awaiters&.each(&:wake)
      end
    end
  end
end
