# frozen_string_literal: true

module Polyphony
  class ProcessFiber < Fiber
    # What is left of a process group when the process that led it has ended. These are no children of
    # ours: they cannot be waited for, only looked at from time to time. @api private
    class Group
      # Seconds between two looks, at first and at most.
      PAUSES = [0.005, 0.1].freeze
      # Seconds to wait for those that were killed.
      LAST = 1
      private_constant :PAUSES, :LAST

      # @param id [Integer] of the group: the pid of its leader
      def initialize(id)
        @id = id
      end

      # @param deadline [Float] when those that are left are to be killed
      # @suspends until there are none
      def finish(deadline)
        return unless alive?

        begin
          signal(:TERM)
          signal(:CONT)
          wait(deadline)
        ensure
          kill
        end
      end

      private

      # They do not end at once, but soon, unless the system itself hangs.
      def kill
        Polyphony.shield { wait(Polyphony.now + LAST) } if signal(:KILL)
      end

      def wait(deadline)
        pause, most = PAUSES
        while alive? && (left = deadline - Polyphony.now).positive?
          Scheduler.current.kernel_sleep([pause, left].min)
          pause = [pause * 2, most].min
        end
      end

      # Those that have ended and were not waited for count for the system, not for us: where nobody
      # collects orphans, as in many containers, they stay for ever.
      def alive?
        return false unless signal(0)
        return true unless ::File.directory?('/proc/self')

        ::Dir.each_child('/proc').any? { |name| name.match?(/\A\d+\z/) && member?(name) }
      end

      # See proc(5): the name, in parentheses, may have anything in it.
      def member?(pid)
        state, _, group = ::File.read("/proc/#{pid}/stat").rpartition(')').last.split
        group.to_i == @id && !%w[Z X].include?(state)
      rescue ::Errno::ENOENT, ::Errno::ESRCH, ::Errno::EACCES
        false
      end

      def signal(signal)
        ::Process.kill(signal, -@id)
        true
      rescue ::Errno::ESRCH, ::Errno::EPERM
        false
      end
    end
    private_constant :Group
  end
end
