# frozen_string_literal: true

module Stock
  # One call in a fiber and one ticker beside it, on a thread of their own.
  class Bench
    LIMIT = 10 # seconds; only a call that hangs ever takes so long

    # Waits for +thread+ and raises what it raised; when it hangs, kills it and fails with the block's words.
    def self.join(thread)
      return thread.value if thread.join(LIMIT)

      where = thread.backtrace
      words = yield
      thread.kill.join(1)
      raise RSpec::Expectations::ExpectationNotMetError, "#{words} within #{LIMIT} s\n  #{where&.join("\n  ")}"
    end

    def initialize(event, ticks, call)
      @event = event
      @wanted = ticks
      @call = call
      @ticks = 0
      @state = :before
    end

    # @param release [Proc, nil] run by the calling thread once the call has stopped the thread of the fibers
    def run(release = nil)
      thread = Thread.new { fibers }
      if release
        Thread.pass until (@state == :pending && thread.stop?) || @ticks.positive? || !thread.alive?
        release.call
      end
      Bench.join(thread) { "#{@state}, after #{@ticks} ticks beside it: the call blocks its thread, or never ends," }
      raise @failure if @failure
    end

    def value
      raise @error if @error

      @value
    end

    def waited_for_event!
      met?(@pending_at_event, "the call did not wait for its event: it ended before tick #{@wanted}")
    end

    def ticked!
      met?(@ticks.positive?, 'no other fiber ran during the call: it blocked its thread, or never waited')
    end

    def never_ticked!
      met?(@ticks.zero?, "this call was known to block its thread, but #{@ticks} ticks went by: it now cooperates")
    end

    private

    def fibers
      Thread.current.report_on_exception = false
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      Fiber.schedule { perform }
      Fiber.schedule { tick }
    end

    def perform
      @state = :pending
      @value = @call.call
    rescue Exception => e # rubocop:disable Lint/RescueException -- handed to the example, whatever it is
      @error = e
    ensure
      @state = :done
    end

    # A failure of the event would leave the call waiting for ever: it ends the thread, and all with it.
    def tick
      while @state == :pending && @ticks < @wanted
        @ticks += 1
        sleep 0
      end
      return unless @event

      @pending_at_event = @state == :pending
      @event.call
    end

    def met?(condition, words)
      return if condition

      raise @error if @error

      raise RSpec::Expectations::ExpectationNotMetError, words
    end
  end
end
