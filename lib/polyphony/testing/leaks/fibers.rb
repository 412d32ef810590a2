# frozen_string_literal: true

module Polyphony
  module Testing
    module Leaks
      # Fibers of the running thread that have not ended. @api private
      module Fibers
        # @return [Hash{Object => Scheduler::Task}] by identity
        def self.now
          tasks = Scheduler.current&.tasks || []
          tasks.to_h { |task| [task.handle || task, task] }.compare_by_identity
        end

        # @return [Array(String, String)] what it is, where it began
        def self.describe(handle, task)
          return ["fiber #{task.fiber.inspect} #{task.waiting_on}", nil] if handle.equal?(task)

          waits = task.waiting_on
          ["fiber #{handle.tag.nil? ? '(untagged)' : handle.tag.inspect} #{task.state}#{" on #{waits}" if waits}",
           "spun at #{handle.location}"]
        end
      end
      private_constant :Fibers
    end
  end
end
