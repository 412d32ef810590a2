# frozen_string_literal: true

# All errors of Polyphony. Two of them are no StandardErrors, because they end fibers and a
# `rescue => e` on the way must not swallow them.
module Polyphony
  # The root of the errors that a program may want to rescue.
  class Error < ::StandardError; end

  # Unwinds a fiber that is being stopped. Raised inside the fiber that `Fiber#stop` was called on;
  # let it pass, or use `ensure`.
  class Stop < ::Exception # rubocop:disable Lint/InheritException -- see above
    # @return [Object] what awaiting the stopped fiber gives
    attr_reader :value

    # @param message [String]
    # @param value [Object]
    def initialize(message = 'stopped', value: nil)
      super(message)
      @value = value
    end
  end

  # Raised in a fiber by `Fiber#cancel` and by `cancel_after` when the time is up. Goes on to who
  # awaits the fiber, or to its parent.
  class Cancel < ::Exception # rubocop:disable Lint/InheritException -- see above
    # @param message [String]
    def initialize(message = 'cancelled')
      super
    end
  end

  # A wait with a `timeout:` took too long. Wait longer, or treat the other side as gone.
  class TimeoutError < Error; end

  # A message was sent to a fiber that has finished. Check with `alive?`, or use `send?`.
  class DeadFiber < Error; end

  # A supervised fiber failed more often than `max_restarts` within `within` seconds; `cause` is its
  # last error. Repair that, or allow more restarts.
  class RestartLimit < Error; end

  # An operation on something closed: a pool, a channel.
  class Closed < Error; end

  # Nothing can ever wake the program again: every fiber waits for another. The message shows who
  # waits where.
  class Deadlock < Error
    # @param scheduler [Polyphony::Scheduler]
    # @return [Polyphony::Deadlock]
    def self.for(scheduler)
      waiting = [scheduler.root, *scheduler.tasks].filter_map do |task|
        waits = task.waiting_on
        "  #{task.handle&.inspect || task.fiber&.inspect || 'root fiber'}: #{waits}" if waits
      end
      new("no fiber can ever run again, all of them wait:\n#{waiting.join("\n")}")
    end
  end
end
