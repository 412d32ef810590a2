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

      # @return [Object] the result
      # @raise [Exception] what the fiber failed with
      def outcome(awaiter)
        failure = @failure
        return @result unless failure

        awaiter.take(failure)
        raise failure.error, cause: failure.error.cause # else it would take on what is rescued here just now
      end

      # @return [Boolean] whether +life+ will be told of an error by `await`
      def awaited_by?(life)
        @awaiters ? @awaiters.dup.any? { |waiting| waiting.awaiter.equal?(life) } : false
      end

      # @param waiting [#awaiter, #ended] a Lifecycle or a Group
      def add_awaiter(waiting)
        (@awaiters ||= []).push(waiting)
      end

      # @see #add_awaiter
      def remove_awaiter(waiting)
        @awaiters&.delete(waiting) # one step, as is the push: other threads do the same
      end

      # @param as_news [Boolean] only look at what came as one that another had suppressed
      # @return [Boolean] whether +error+ was raised here, lately
      def received?(error, as_news: false)
        !@received.nil? && @received.any? { |failure| failure.error.equal?(error) && (failure.news? || !as_news) }
      end

      # The parent was to get an error through `await` but stopped awaiting for another reason.
      def give_back(awaiter)
        @home.deliver(@failure) if @dead && @failure && !@supervision && @parent.equal?(awaiter)
      end

      # @return [Lifecycle] who waits: as one of the awaiters of another fiber
      def awaiter
        self
      end

      # A fiber that this one awaits has ended.
      def ended(_life)
        wake
      end

      # @raise [Polyphony::Error]
      def refuse_circle(awaiter)
        return unless awaiter.equal?(self) || ((@children || @scopes) && awaiter.within?(self))

        whom = awaiter.equal?(self) ? 'itself' : 'its own ancestor, which waits for it at its end'
        raise Error, "a fiber cannot await #{whom}"
      end

      private

      def wait_until_dead(awaiter)
        return Scheduler.checkpoint if @dead

        add_awaiter(awaiter)
        begin
          Scheduler.park(self) until @dead
        rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
          give_back(awaiter)
          raise
        ensure
          remove_awaiter(awaiter)
        end
      end

      # For `stop`: waits for the end of this run only, whether or not there will be another.
      def wait_for_run(run)
        stopper = Lifecycle.current
        # Who is to end with this fiber would wait for itself once nobody stops it any more.
        return if stopper.stopping? && stopper.within?(self)

        (@stoppers ||= []).push(stopper)
        begin
          reason = Reason.new('stop of', self)
          Scheduler.park(reason) until @dead || @run != run
        ensure
          @stoppers&.delete(stopper)
        end
        Scheduler.checkpoint # an error of its `ensure`, if that comes to the stopper
      end

      # A copy: those of other threads leave the list while this goes through it.
      def notify_awaiters
        all = @awaiters or return
        return all.first&.ended(self) if all.size == 1 # as a rule, and without a copy

        all.dup.each { |waiting| waiting.ended(self) }
      end

      def notify_stoppers
        @stoppers.dup.each(&:wake) if @stoppers
      end
    end
  end
end
