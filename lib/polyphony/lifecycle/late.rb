# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # What another thread does to a fiber at the very moment it ends. What is taken out of the task is
    # taken by one side only.
    module Late
      private

      # @return [Boolean] whether +error+ came too late to be raised: its sender says so
      def withdraw(task, error)
        task.take_pending&.include?(error) || false
      end

      # Those whose senders have gone on, believing that the fiber lives.
      def report_withdrawn(task)
        task.take_pending&.each { |late| Failure.report(late, self) unless late.is_a?(Stop) }
      end

      # After Thread#kill: nothing more of this fiber runs.
      def finish_killed
        @restarting = false
        finish(nil, nil)
      end
    end
  end
end
