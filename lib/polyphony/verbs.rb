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
      Lifecycle.current.receive(timeout, &filter)
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
        yield life.receive(nil)
      end
    end

    # Takes all messages that are there.
    #
    # @return [Array<Object>]
    # @suspends no
    def receive_pending
      Lifecycle.current.receive_pending
    end

    # Waits for fibers to end: those given, or all children of the calling fiber, those spun
    # meanwhile too. On an error the rest is stopped.
    #
    # @param fibers [Array<Polyphony::Fiber>]
    # @return [nil]
    # @raise [Exception] the first error of one of them
    # @suspends until they have ended
    def supervise(*fibers, **nil)
      life = Lifecycle.current
      fibers.empty? ? supervise_children(life) : Group.new(fibers).await
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

    private

    def supervise_children(life)
      life.await_children
    rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again
      life.end_children(e)
      raise
    end
  end
end
