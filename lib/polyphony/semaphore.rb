# frozen_string_literal: true

module Polyphony
  # A number of permits: so many fibers, of any threads, do something at the same time. First come,
  # first served. Stock Ruby's nearest is a SizedQueue, which knows no timeout before Ruby 3.2, does
  # not serve in order, and cannot tell who took from it.
  #
  #   limit = Polyphony::Semaphore.new(3)
  #   urls.each { |url| spin { limit.acquire { download(url) } } }
  #
  # A Semaphore is for code that may run side by side a few times; for things that are handed out,
  # see {ResourcePool}; for one at a time, Ruby's Mutex.
  class Semaphore
    # @return [Integer, nil] how many permits there can be
    attr_reader :max
    # @return [Integer] permits that are free
    attr_reader :available

    # @param permits [Integer] free at first
    # @param max [Integer, nil] what {#release} must not exceed, so that a release too many is noticed;
    #   nil: any number, for counting what happened
    # @raise [ArgumentError] for anything but numbers of permits, or when there could never be one
    # @suspends no
    def initialize(permits, max: permits)
      unless permits.is_a?(::Integer) && !permits.negative?
        raise ::ArgumentError, "permits must be an Integer of at least 0, not #{permits.inspect}"
      end

      @max = max && check_max(max, permits)
      @available = permits
      @line = WaitingLine.new('permit of', self) { @available.positive? }
    end

    # Takes a permit. With a block, gives it back after it, however it ends.
    #
    # @param timeout [Numeric, nil] seconds to wait at most; 0: do not wait; nil: without limit
    # @return [Object] the block's value; true without a block: give the permit back with {#release}
    # @raise [Polyphony::TimeoutError] when none was free in time
    # @raise [TypeError, ArgumentError] for a timeout that is no number of seconds
    # @suspends until a permit is free; always a point where the fiber can be stopped
    def acquire(timeout: nil)
      @line.take(timeout) { take } || raise(TimeoutError, "no permit was free in time: #{inspect}")
      return true unless block_given?

      begin
        yield
      ensure
        release
      end
    end

    # Takes a permit if one is free and nobody waits.
    #
    # @return [Boolean] whether it has taken one
    # @suspends no
    def try_acquire
      @line.synchronize { @line.size.zero? && take } || false
    end

    # Gives a permit back, or adds one. Any fiber of any thread may.
    #
    # @return [self]
    # @raise [Polyphony::Error] when there would be more than {#max}: it was not taken
    # @suspends no
    def release
      @line.synchronize do
        raise Error, "released more often than acquired: #{inspect}" if @available == @max

        @available += 1
      end
      @line.wake_first
      self
    end

    # @return [Integer] fibers that wait for a permit
    # @suspends no
    def waiting
      @line.size
    end

    # @return [String]
    def inspect
      "#<#{self.class} available=#{@available}#{"/#{@max}" if @max} waiting=#{waiting}>"
    end

    private

    def take
      @available.positive? && (@available -= 1) && true
    end

    def check_max(max, permits)
      return max if max.is_a?(::Integer) && max.positive? && max >= permits

      raise ::ArgumentError, "max must be a positive Integer of at least #{permits}, not #{max.inspect}; " \
                             'give max: nil for any number'
    end
  end
end
