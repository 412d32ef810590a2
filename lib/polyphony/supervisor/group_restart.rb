# frozen_string_literal: true

module Polyphony
  class Supervisor
    # The strategies that restart several fibers when one has failed: they are stopped in reverse order,
    # one after the other, and begin again in order, together.
    module GroupRestart
      # Seconds between two cuts, at least.
      SHORTEST = 0.01
      private_constant :SHORTEST

      private

      # @return [Array<Child>] whom to restart when this one has to be, in order
      def group_of(child)
        case @policy.strategy
        when :one_for_one then [child]
        when :one_for_all then @children.values
        else
          all = @children.values
          all.drop(all.index(child))
        end
      end

      def restart_group(members, delay)
        due = Polyphony.now + delay
        members.reverse_each { |member| hold(member) }
        @pending = { due: [due, @pending&.fetch(:due)].compact.max, members: members }
        release_group if @pending[:due] <= Polyphony.now
      end

      def hold(member)
        member.hold
        wait_for(member.life, :cut) { member.idle? }
      end

      def wait_for_group
        left = @pending[:due] - Polyphony.now
        park(left) if left.positive?
        release_group if @pending[:due] <= Polyphony.now
      end

      def release_group
        members = @pending[:members]
        @pending = nil
        members.each { |member| release(member) if member.state == :held }
      end

      # In order means: not before the one before has begun.
      def release(member)
        member.release
        Scheduler.park(:supervise) until member.begun?
      end

      # Waits for a fiber to end its run; each time its `shutdown` seconds are over, what its `ensure`
      # blocks wait for is cut.
      #
      # @param cut [Symbol] the method of +life+ that does so
      # @yieldreturn [Boolean] whether it has ended
      def wait_for(life, cut)
        deadline = Polyphony.now + (@policy.shutdown || ::Float::INFINITY)
        until yield
          left = deadline - Polyphony.now
          next park(left) if left.positive?

          life.public_send(cut)
          deadline = Polyphony.now + [@policy.shutdown, SHORTEST].max
        end
      end

      def park(seconds)
        seconds.infinite? ? Scheduler.park(:supervise) : Scheduler.park(:supervise, seconds)
      end
    end
    private_constant :GroupRestart
  end
end
