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

      # Those whose senders have gone on, believing that the fiber lives. A signal to the main fiber is for
      # whoever waits for it.
      def report_withdrawn(task)
        task.take_pending&.each do |late|
          next if late.is_a?(Stop) || (late.is_a?(::SignalException) && main_ended_by(late, task))

          Failure.report(late, self)
        end
      end

      def main_ended_by(signal, task)
        scheduler = task.scheduler
        task.equal?(scheduler&.main) && scheduler.root.handle&.interrupt(signal)
      end

      # After Thread#kill: nothing more of this fiber runs.
      def finish_killed
        @restarting = false
        finish(nil, nil)
      end
    end
  end
end
