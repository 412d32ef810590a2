# frozen_string_literal: true

# Doing things later and again.
module Polyphony
  # Runs the block in a new fiber after +seconds+.
  #
  # @param seconds [Numeric]
  # @return [Polyphony::Fiber] its `await` gives the block's value; its `stop` calls it off
  # @raise [TypeError, ArgumentError] for what is no number of seconds
  # @suspends no
  def self.after(seconds, &block)
    raise ::ArgumentError, 'a block is required' unless block

    duration(seconds)
    delayed = lambda do
      Scheduler.current.kernel_sleep(seconds)
      block.call
    end
    Fiber.spin(:after, delayed, block)
  end

  # Runs the block every +seconds+, for ever, in the calling fiber: first after one interval, then
  # on a fixed grid, so that slow rounds do not shift later ones. Rounds whose time passed are
  # skipped. `break` ends it.
  #
  # @param seconds [Numeric] more than 0
  # @return [void] what `break` gives
  # @raise [TypeError, ArgumentError] for what is no positive number of seconds
  # @suspends until the next round is due
  def self.every(seconds)
    raise ::ArgumentError, 'a block is required' unless block_given?
    raise ::ArgumentError, 'interval must be positive' unless duration(seconds, 'interval').positive?

    Scheduler.install
    due = now + seconds
    loop_without_stop_iteration do
      sleep_until(due)
      yield
      due += seconds * [((now - due) / seconds).floor, 0].max.succ
    end
  end

  # Calls the block for ever in a new fiber. `break` in the block, or StopIteration, ends it.
  #
  # @param tag [Object]
  # @param rate [Numeric, nil] at most so many times a second
  # @param interval [Numeric, nil] or at least so many seconds apart
  # @return [Polyphony::Fiber]
  # @suspends no
  def self.spin_loop(tag = nil, rate: nil, interval: nil, &block)
    raise ::ArgumentError, 'a block is required' unless block

    throttler = Throttler.new(rate, interval: interval) if rate || interval
    Fiber.spin(tag, -> { loop_until_break(throttler, block) }, block)
  end

  # Calls the block for ever in the calling fiber, at most +rate+ times a second, the first time at
  # once. `break`, StopIteration or +count+ rounds end it.
  #
  # @param rate [Numeric, nil] times a second
  # @param interval [Numeric, nil] or seconds between two calls
  # @param count [Integer, nil] how many calls
  # @return [Integer, nil] +count+
  # @raise [TypeError, ArgumentError]
  # @suspends until the next call is due
  def self.throttled_loop(rate = nil, interval: nil, count: nil, &block)
    raise ::ArgumentError, 'a block is required' unless block

    throttler = Throttler.new(rate, interval: interval)
    if count
      count.times { throttler.process(&block) }
    else
      loop { throttler.process(&block) }
    end
    count
  end

  # Ruby has no frame left that a `break` could end, so it makes an error of it.
  def self.loop_until_break(throttler, block)
    loop { throttler ? throttler.process(&block) : block.call }
  rescue ::LocalJumpError => e
    raise unless e.reason == :break

    e.exit_value
  end
  private_class_method :loop_until_break

  # Waits until the monotonic clock shows +time+; lets others run once if it does already.
  # @api private
  def self.sleep_until(time)
    left = time - now
    Scheduler.current.kernel_sleep(left.positive? ? left : 0)
  end

  def self.loop_without_stop_iteration
    while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
      yield
    end
  end
  private_class_method :loop_without_stop_iteration
end
