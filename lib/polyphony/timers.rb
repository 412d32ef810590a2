# frozen_string_literal: true

# Doing things later and again.
module Polyphony
  # How much of an interval a round of {every} may be late and still count as on its grid: rounding.
  ROUNDING = 1e-6
  private_constant :ROUNDING

  # Runs the block in a new fiber after +seconds+, counted from the call.
  #
  # @param seconds [Numeric]
  # @return [Polyphony::Fiber] its `await` gives the block's value; its `stop` calls it off
  # @raise [ArgumentError] without a block, or for a negative number
  # @raise [TypeError] for what is no number of seconds
  # @suspends no
  def self.after(seconds, &block)
    raise ::ArgumentError, 'a block is required' unless block

    due = now + duration(seconds)
    delayed = lambda do
      sleep_until(due)
      block.call
    end
    Fiber.spin(:after, delayed, block)
  end

  # Runs the block every +seconds+, for ever, in the calling fiber: first after one interval, then
  # on a fixed grid, so that neither slow rounds nor rounding shift later ones. Rounds whose time passed
  # while the block ran are skipped. `break` ends it.
  #
  # @param seconds [Numeric] more than 0
  # @return [void] what `break` gives
  # @raise [ArgumentError] without a block, or for what is no positive, finite number
  # @raise [TypeError] for what is no number of seconds
  # @suspends until the next round is due; always a point where the fiber can be stopped
  def self.every(seconds)
    raise ::ArgumentError, 'a block is required' unless block_given?

    interval = duration(seconds, 'interval').to_f
    raise ::ArgumentError, 'interval must be positive and finite' unless interval.positive? && interval.finite?

    Scheduler.install
    start = now
    round = 1
    while true # rubocop:disable Style/InfiniteLoop -- a StopIteration of the block is its caller's
      sleep_until(start + (round * interval))
      yield
      round = [round + 1, (((now - start) / interval) - ROUNDING).ceil].max
    end
  end

  # Calls the block for ever in a new fiber. `break` in the block, or StopIteration, ends it. Without a
  # rate or an interval the block must wait for something itself: else nobody else ever runs.
  #
  # @param tag [Object]
  # @param rate [Numeric, nil] at most so many times a second
  # @param interval [Numeric, nil] or at least so many seconds apart
  # @return [Polyphony::Fiber] its `await` gives what `break` gave, or StopIteration's result
  # @raise [ArgumentError] without a block; for a rate and an interval, or one that is not positive
  # @raise [TypeError] for what is no number
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
  # @param count [Integer, nil] how many calls; nil: no end
  # @return [Integer, Object] +count+ after so many calls, else what `break` gave or StopIteration's result
  # @raise [ArgumentError] without a block; unless exactly one of rate and interval is given, and
  #   positive; for a count that is none
  # @raise [TypeError] for what is no number
  # @suspends until the next call is due; always a point where the fiber can be stopped
  def self.throttled_loop(rate = nil, interval: nil, count: nil, &block)
    raise ::ArgumentError, 'a block is required' unless block

    unless count.nil? || (count.is_a?(::Integer) && !count.negative?)
      raise ::ArgumentError, "count must be an Integer of at least 0, not #{count.inspect}"
    end

    throttler = Throttler.new(rate, interval: interval)
    rounds = 0
    loop do
      return count if rounds == count

      rounds += 1
      throttler.process(&block)
    end
  end

  # Ruby has no frame left that a `break` could end, so it makes an error of it.
  def self.loop_until_break(throttler, block)
    loop { throttler ? throttler.process(&block) : block.call }
  rescue ::LocalJumpError => e
    raise unless e.reason == :break

    e.exit_value
  end
  private_class_method :loop_until_break

  # Waits until {now} shows +time+; lets others run once if it does already.
  # @api private
  def self.sleep_until(time)
    scheduler = Scheduler.current
    left = time - now
    return scheduler.kernel_sleep(0) unless left.positive?

    while left.positive?
      scheduler.kernel_sleep(left)
      left = time - now
    end
  end
end
