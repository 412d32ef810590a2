# frozen_string_literal: true

# The verbs, as methods of the module. `require 'polyphony'` makes them Kernel methods as well.
module Polyphony
  class << self
    # Starts a fiber: a child of the calling one, which it cannot outlive. It is queued, and runs
    # when the calling fiber waits.
    #
    # @param tag [Object] a name for messages and {tree}
    # @return [Polyphony::Fiber]
    # @raise [ArgumentError] without a block
    # @raise [Polyphony::Error] when the thread has another library's scheduler
    # @suspends no
    def spin(tag = nil, &block)
      raise ::ArgumentError, 'a block is required' unless block

      Fiber.spin(tag, block)
    end

    # @return [Fiber] the handle of the running fiber; inside a nested fiber (an Enumerator), of the
    #   fiber that runs it
    # @suspends no
    def current
      Lifecycle.current.fiber
    end

    # Takes the oldest message out of the calling fiber's mailbox. With a block, the oldest for which
    # it is true; the others stay, in order.
    #
    # @param timeout [Numeric, nil] seconds to wait; nil: without limit
    # @return [Object]
    # @raise [Polyphony::TimeoutError] when no message came in time
    # @suspends until a message arrives; always a point where the fiber can be stopped
    def receive(timeout: nil, &filter)
      life = Scheduler.handle || Lifecycle.current
      timeout || filter ? life.receive_special(timeout, filter) : life.receive
    end

    # Yields message after message, for ever. `break` ends it.
    #
    # @yieldparam message [Object]
    # @return [void] what `break` gives
    # @suspends until a message arrives
    def receive_loop
      raise ::ArgumentError, 'a block is required' unless block_given?

      life = Lifecycle.current
      while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
        yield life.receive
      end
    end

    # Takes all messages that are there.
    #
    # @return [Array<Object>]
    # @suspends no
    def receive_pending
      Lifecycle.current.receive_pending
    end

    # Waits for fibers to end, and restarts those that end too early if told so. Which fibers: those
    # given, or the children of the calling fiber, those spun meanwhile too (but not those in a
    # {scope}, which sees to its own). Their errors come here, whoever their parent is.
    #
    # However this ends, by an error, a `break` in the block, or because the calling fiber is stopped or
    # out of time: all of them are stopped first, in reverse order, one after the other.
    #
    # A fiber that was stopped is not restarted. Between two runs a fiber is alive: it can be awaited,
    # stopped, sent to. See docs/supervision.md.
    #
    # @param fibers [Array<Polyphony::Fiber>] none: the children
    # @param options [Hash]
    # @option options [nil, Symbol, #call] :restart (nil) nil: never; an error of one stops the others and is
    #   raised. :always (or true): whenever one ends. :on_error: when one fails. :temporary: never, and an error
    #   is told to the block only. Something to call: with the fiber and its result or error; gives one of these
    # @option options [Symbol] :strategy (:one_for_one) who is restarted: :one_for_one, :one_for_all, or
    #   :rest_for_one, those after the one that ended, in the order they were spun or given
    # @option options [Integer, Float] :max_restarts (3) Float::INFINITY: no limit
    # @option options [Numeric] :within (5) seconds: more than max_restarts in that time is too often
    # @option options [nil, Numeric, Hash, #call] :backoff (nil) seconds to wait before a restart. A Hash:
    #   min: 0.1, max: 30, factor: 2, jitter: 0.1 (a share), random: Random. Something to call: with the number
    #   of the restart in a row, from 1. A run longer than within begins a new row
    # @option options [Numeric, nil] :shutdown (nil) seconds that a fiber gets to end when it is stopped here,
    #   before what its `ensure` blocks wait for is cut as well; nil: as long as it takes
    # @option options [Boolean] :forever (false) go on when none is left, until stopped: for children that
    #   others spin later, with {FiberMethods#spin}
    # @yieldparam fiber [Polyphony::Fiber] whose run has ended, unless this stopped it
    # @yieldparam result [Object, Exception] of that run. What the block raises ends the supervision
    # @return [nil]
    # @raise [Exception] the first error that is not answered by a restart
    # @raise [Polyphony::RestartLimit] when there were too many restarts
    # @raise [ArgumentError, TypeError] for options that make no sense
    # @raise [Polyphony::Error] for a fiber that is supervised already, or is the caller or above it
    # @suspends until all have ended and are not to be restarted
    def supervise(*fibers, **options, &block)
      supervisor = Supervisor.new(Lifecycle.current, options, block)
      named = fibers.size == 1 && fibers.first.is_a?(::Array) ? fibers.first : fibers
      return if named.empty? && !fibers.empty? # an Array of none

      supervisor.run(named.map { |fiber| Group.life(fiber) }.uniq)
      nil
    end

    # Lets every other runnable fiber run once.
    #
    # @return [nil]
    # @suspends until they have
    def snooze
      Scheduler.install
      Scheduler.snooze
    end

    # Waits until the fiber is stopped, cancelled or sent an exception.
    #
    # @return [nil]
    # @suspends for ever
    def suspend
      Scheduler.install.kernel_sleep
      nil
    end
  end
end
