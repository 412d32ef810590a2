# frozen_string_literal: true

module Polyphony
  # Waits with a `timeout:`, as mailboxes, channels and calls have them.
  module Waiting
    # @param timeout [Numeric, nil] seconds
    # @return [Float, nil] when they are over, on the clock of {Polyphony.now}
    # @raise [TypeError, ArgumentError] for what is no number of seconds
    def self.deadline(timeout)
      timeout && (Polyphony.now + Polyphony.duration(timeout, 'timeout'))
    end

    # One wait: the caller asks its condition again after each.
    #
    # @param reason [Object] what {Fiber#waiting_on} says
    # @param deadline [Float, nil]
    # @yieldreturn [String] what did not happen in time
    # @raise [Polyphony::TimeoutError] when the deadline has passed before the wait
    # @suspends until the fiber is woken, or the deadline
    def self.park(reason, deadline)
      return Scheduler.park(reason) unless deadline

      left = deadline - Polyphony.now
      raise TimeoutError, yield unless left.positive?

      left.infinite? ? Scheduler.park(reason) : Scheduler.park(reason, left)
    end
  end
  private_constant :Waiting
end
