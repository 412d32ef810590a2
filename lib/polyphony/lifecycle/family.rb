# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Parent and children: who ends with whom, and where errors go.
    module Family
      # Failures remembered per fiber, see {#failure_of}.
      MAX_RECEIVED = 8
      private_constant :MAX_RECEIVED

      # @return [Array<Lifecycle>] live children, in the order they were spun; those in scopes last
      def children
        own = @children ? @children.keys : []
        @scopes ? own + @scopes.flat_map(&:lives) : own
      end

      # @return [Boolean] whether there are live children that are in no scope
      def children?
        @children ? !@children.empty? : false
      end

      # Takes +child+, which has been started, in. A fiber that is ending takes none any more.
      def adopt(child)
        (@children ||= {}.compare_by_identity)[child] = true
        child.stop_soon if @ending
        @supervisor&.add(child)
      end

      # @param scope [Scope] opened in this fiber
      def enter(scope)
        (@scopes ||= []).push(scope)
      end

      # @param scope [Scope] that has ended
      def leave(scope)
        @scopes = nil if @scopes&.delete(scope) && @scopes.empty?
      end

      # @return [Boolean] whether its children are being stopped: none of them is begun again
      def ending?
        @ending
      end

      # @return [Boolean] whether it can have children, of the thread that asks
      def open?
        !@dead && !elsewhere?
      end

      # @return [Boolean] whether +other+ is this fiber or above it
      def within?(other)
        life = self
        life = life.parent until life.nil? || life.equal?(other)
        !life.nil?
      end

      # Called by a child that has ended. Its error is raised here once: through `await` if this
      # fiber awaits it, else at the current or next wait. That of a supervised child is its supervisor's.
      def child_finished(child)
        @children&.delete(child)
        failure = child.failure
        deliver(failure) if failure && !child.supervision && !child.awaited_by?(self)
        @task.wake if @awaits_children && !children?
      end

      # Raises a failure here, unless it came here already by another way.
      def deliver(failure)
        failure.news_for(self).each do |news|
          take(news)
          (!@dead && @task.interrupt(news.error)) || pass_on(news)
        end
      end

      # Notes that +failure+ is raised here.
      def take(failure)
        failure.seen_by(self)
        (@received ||= []).push(failure)
        @received.shift if @received.size > MAX_RECEIVED
      end

      # Notes that what +error+ has suppressed by now has been raised with it here, or is about to be.
      def knows(error)
        @received&.find { |failure| failure.error.equal?(error) }&.seen_by(self)
      end

      # Waits for the live children, those spun meanwhile too.
      # @param reason [Symbol] for {Lifecycle#waiting_on}
      # @suspends until there are none
      def await_children(reason = :supervise)
        @awaits_children = true
        Scheduler.park(reason) while children?
        Scheduler.checkpoint
      ensure
        @awaits_children = false
      end

      # Stops the children that are in no scope and waits for them, come what may.
      #
      # @param error [Exception, nil] what is being raised
      # @return [Exception, nil] what is to be raised: that, or what came up meanwhile (see {Unwinding})
      # @suspends until these children have ended
      def end_children(error)
        return error unless children?

        unwinding = Unwinding.new(self, error)
        @ending = true
        @children.keys.each(&:stop_soon)
        @senders&.wake_all
        outlast_children(unwinding) while children?
        unwinding.outcome
      ensure
        @ending = false
      end

      # @param error [Exception] that no `rescue` of the block is to see, since the fiber is being stopped:
      #   what it fails with at its end
      def keep(error)
        (@kept ||= []).push(error)
      end

      # @param error [Exception] raised in this fiber while it waits for others to end
      # @return [Boolean] whether their `ensure` blocks are to be cut: when it is told to stop at once, or
      #   by a signal, or when nothing could ever wake them
      def hurried_by?(error)
        error.is_a?(Stop) ? @now : error.is_a?(::SignalException) || error.is_a?(Deadlock)
      end

      private

      def outlast_children(unwinding)
        await_children(:'the end of its children')
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised, or kept, at the end
        @children.keys.each { |child| child.dead? ? @children.delete(child) : child.stop_now } if hurried_by?(e)
        unwinding.add(e)
      end

      # It should be raised in a fiber that is no more.
      def pass_on(failure)
        return @home.deliver(failure) if @home

        main = Scheduler.current&.main
        main&.interrupt(failure.error) || Failure.report(failure.error, self)
      end

      # The failure behind an error that was not rescued here: that of another fiber if it came from
      # there, so that it goes to nobody twice.
      def failure_of(error)
        @received&.find { |failure| failure.error.equal?(error) } || Failure.new(error)
      end
    end
  end
end
