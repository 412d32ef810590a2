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
  class RestartLimit < Error
    # @param fiber [Fiber]
    # @param error [Exception, nil] nil: it ended without one, and was to be restarted all the same
    # @param intensity [#limit, #within]
    # @return [Polyphony::RestartLimit]
    # @suspends no
    def self.for(fiber, error, intensity)
      how = error ? "failed again (#{error.class}: #{error.message.to_s.lines.first&.chomp})" : 'ended again'
      times = intensity.limit == 1 ? 'one restart' : "#{intensity.limit} restarts"
      new("#{fiber.inspect} #{how}, after #{times} within #{intensity.within} s. Repair what fails; or allow more " \
          'with max_restarts: and within:, or make restarts slower with backoff:')
    end
  end

  # A process of `watch_process` ended with a status that is not 0, or by a signal.
  class ProcessFailed < Error
    # @return [Process::Status]
    attr_reader :status
    # @return [String] as it can be shown
    attr_reader :command

    # @param command [String]
    # @param status [Process::Status]
    def initialize(command, status)
      @command = command
      @status = status
      super("#{command} (pid #{status.pid}) #{how}")
    end

    private

    def how
      return "exited with status #{status.exitstatus}" if status.exited?

      name = ::Signal.signame(status.termsig)
      "was ended by #{name ? "SIG#{name}" : "signal #{status.termsig}"}#{' (core dumped)' if status.coredump?}"
    end
  end

  # An operation on something closed: a pool, a channel.
  class Closed < Error; end

  # A subscriber of a {Topic} was too slow: more messages waited for it than its limit. Receive faster, allow
  # more, or choose what is to happen with `overflow:`.
  class Overflow < Error; end

  # Nothing can ever wake the program again: every fiber waits for another. The message shows who
  # waits where.
  class Deadlock < Error
    # @param scheduler [Polyphony::Scheduler]
    # @return [Polyphony::Deadlock]
    def self.for(scheduler)
      waiting = [scheduler.root, *scheduler.tasks].filter_map do |task|
        waits = task.waiting_on
        "  #{task.handle&.inspect || "#{task.fiber&.inspect || 'root fiber'} waiting #{waits}"}" if waits
      end
      new("no fiber can ever run again, all of them wait:\n#{waiting.join("\n")}")
    end
  end
end
