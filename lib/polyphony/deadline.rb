# frozen_string_literal: true

# Asking for the time limits around the running code.
module Polyphony
  # When the nearest of the time limits around the running code runs out: of {move_on_after},
  # {cancel_after} and `Timeout.timeout`, whoever set them. Code that can choose (a query's own
  # timeout, another try) asks here instead of being cut in the middle.
  #
  # Only what can still cut this code counts: not limits of other fibers, that of the parent included,
  # unless they are around the {scope} that the fiber was spun into, which they stop; inside {shield},
  # none that was set outside of it in this fiber; and a limit that has cut already is over.
  #
  # @return [Float, nil] on the clock of {now}; past when a limit has run out and not yet cut; nil
  #   without a limit
  # @suspends no
  def self.deadline
    Scheduler.current&.then { (Scheduler.handle || Scheduler.task).deadline }
  end

  # What is left of {deadline}.
  #
  #   database.execute("SET statement_timeout = #{(Polyphony.remaining || 30) * 1000}")
  #
  # @return [Float, nil] seconds, at least 0; nil without a limit
  # @suspends no
  def self.remaining
    deadline&.then { |time| [time - now, 0.0].max }
  end
end
