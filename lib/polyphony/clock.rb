# frozen_string_literal: true

module Polyphony
  # @return [Float] seconds on the monotonic clock; virtual while the running thread's scheduler has a virtual clock
  # @suspends no
  def self.now
    Scheduler.now
  end

  # Checks a number of seconds.
  #
  # @param seconds [Numeric]
  # @param what [String] its name, for the error
  # @return [Numeric] +seconds+
  # @raise [TypeError] unless it is a Numeric
  # @raise [ArgumentError] when it is negative or not a number
  # @suspends no
  def self.duration(seconds, what = 'duration')
    unless seconds.is_a?(::Numeric) && seconds.real?
      raise ::TypeError, "#{what} must be a number of seconds, not #{seconds.inspect}"
    end
    if (seconds.is_a?(::Float) && seconds.nan?) || seconds.negative?
      raise ::ArgumentError, "#{what} must not be negative or NaN: #{seconds}"
    end

    seconds
  end

  # Checks how many there are to be.
  #
  # @param number [Integer]
  # @param what [String] its name, for the error
  # @return [Integer] +number+
  # @raise [ArgumentError] unless it is a positive Integer
  # @suspends no
  def self.count(number, what)
    return number if number.is_a?(::Integer) && number.positive?

    raise ::ArgumentError, "#{what} must be a positive Integer, not #{number.inspect}"
  end

  # @param rate [Numeric] times a second
  # @return [Float] seconds between two of them
  # @raise [TypeError, ArgumentError]
  # @suspends no
  def self.interval_of(rate)
    duration(rate, 'rate')
    raise ::ArgumentError, 'rate must be positive' if rate.zero?

    1.0 / rate
  end
end
