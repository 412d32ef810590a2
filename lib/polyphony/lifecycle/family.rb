# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Parent and children: who ends with whom, and where errors go.
    module Family
      # @return [Array<Lifecycle>] live children, in the order they were spun
      def children
        @children ? @children.keys : []
      end

      # @return [Boolean]
      def children?
        @children ? !@children.empty? : false
      end

      # Takes +child+ in.
      def adopt(child)
        (@children ||= {}.compare_by_identity)[child] = true
      end

      # @return [Boolean] whether +other+ is this fiber or above it
      def within?(other)
        life = self
        life = life.parent until life.nil? || life.equal?(other)
        !life.nil?
      end

      # Called by a child that has ended. Its error is raised here once: through `await` if this
      # fiber awaits it, else at the current or next wait.
      def child_finished(child)
        @children&.delete(child)
        error = child.error
        if error && !child.awaited_by?(self)
          deliver_error(error)
        else
          wake_supervisor
        end
      end

      # Raises a child's error here, unless it came here already by another way.
      def deliver_error(error)
        return if delivered?(error)

        (@delivered ||= []).push(error)
        @delivered.shift if @delivered.size > 8
        if @dead
          @parent ? @parent.deliver_error(error) : Scheduler.current&.main&.interrupt(error)
        else
          @task.interrupt(error)
        end
      end

      # @return [Boolean] whether this very error has been raised here before
      def delivered?(error)
        @delivered ? @delivered.any? { |known| known.equal?(error) } : false
      end

      # Notes that +error+ was raised here through `await`.
      def mark_delivered(error)
        (@delivered ||= []).push(error) unless delivered?(error)
      end

      # Waits for the live children, those spun meanwhile too.
      # @suspends until there are none
      def await_children
        @supervising = true
        Scheduler.park(:supervise) while children?
      ensure
        @supervising = false
      end

      # Stops all children and waits for them, come what may.
      #
      # @param error [Exception, nil] what this fiber has failed with so far
      # @return [Exception, nil] that, or the first error of a child
      # @suspends until all children have ended
      def end_children(error)
        while children?
          begin
            children.each(&:stop_soon)
            await_children
          rescue Stop
            next # it is ending already
          rescue ::Exception => e # rubocop:disable Lint/RescueException -- returned
            error ||= e
          end
        end
        error
      end

      # In a forked child: nobody but this fiber is left.
      def orphan
        @parent = nil
        @children = nil
        @awaiters = nil
      end

      private

      def wake_supervisor
        @task.wake if @supervising
      end
    end
  end
end
