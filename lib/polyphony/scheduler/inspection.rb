# frozen_string_literal: true

module Polyphony
  class Scheduler
    # One logical fiber, as the scheduler sees it (C, ext/scheduler/task.c).
    class Task
      # @return [String]
      # @suspends no
      def inspect
        "#<#{[self.class, name, state, waiting_on].compact.join(' ')}>"
      end

      private

      def name
        return fiber || '(root)' if handle.nil?

        handle.respond_to?(:label) ? handle.label : handle.inspect
      end
    end
  end

  # Reading, writing and accepting without the detour over IO's methods (C, ext/scheduler/backend_class.c).
  class Backend
    # @return [String]
    # @suspends no
    def inspect
      "#<#{self.class} #{kind}>"
    end
  end
end
