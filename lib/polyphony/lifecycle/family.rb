# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Parent and children: who ends with whom, and where errors go.
    module Family
      # Failures remembered per fiber, see {#failure_of}.
      MAX_RECEIVED = 8
      private_constant :MAX_RECEIVED

      # @return [Array<Lifecycle>] live children, in the order they were spun
      def children
        @children ? @children.keys : []
      end

      # @return [Boolean]
      def children?
        @children ? !@children.empty? : false
      end

      # Takes +child+, which has been started, in. A fiber that is ending takes none any more.
      def adopt(child)
        (@children ||= {}.compare_by_identity)[child] = true
        child.stop_soon if @ending
        @supervisor&.add(child)
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
        return if failure.seen_by?(self)

        take(failure)
        (!@dead && @task.interrupt(failure.error)) || pass_on(failure)
      end

      # Notes that +failure+ is raised here.
      def take(failure)
        failure.seen_by(self)
        (@received ||= []).push(failure)
        @received.shift if @received.size > MAX_RECEIVED
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

      # Stops all children and waits for them, come what may. Errors beside the one returned are
      # raised at the next wait, if there is one.
      #
      # @param error [Exception, nil] what this fiber has failed with so far
      # @return [Exception, nil] that, or the first error of a child
      # @suspends until all children have ended
      def end_children(error)
        return error unless children?

        more = []
        @ending = true
        children.each(&:stop_soon)
        error = outlast_children(error, more) while children?
        more.each { |one| @task.interrupt(one) }
        error
      ensure
        @ending = false
      end

      # In a forked child: nobody but this fiber is left. With it ends the process (see Scheduler.body).
      def orphan
        top = self
        top = top.parent while top.parent
        top.leave_behind(self)
        @parent = @children = @awaiters = @stoppers = @supervision = @supervisor = nil
      end

      # In a forked child: marks fibers that stayed in the parent process.
      def leave_behind(survivor)
        children.each { |child| child.leave_behind(survivor) }
        return if equal?(survivor)

        bury(nil, DeadFiber.new("#{fiber.inspect} stayed in the parent process: fork copies only the running fiber"))
      end

      private

      # One wait of {#end_children}. Who is told to stop again, or by a signal, or can never be woken,
      # does not wait for the children's `ensure` blocks.
      def outlast_children(error, more)
        await_children(:'the end of its children')
        error
      rescue Stop
        children.each(&:stop_now) if @now
        error # it is ending already
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- returned
        children.each(&:stop_now) if e.is_a?(::SignalException) || e.is_a?(Deadlock)
        return e unless error

        more.push(e)
        error
      end

      # It should be raised in a fiber that is no more.
      def pass_on(failure)
        return @parent.deliver(failure) if @parent

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
