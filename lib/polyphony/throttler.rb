# frozen_string_literal: true

module Polyphony
  # Limits how often something is done, across all fibers, of any threads, that use it. They get their
  # turns in the order they came; who is stopped while it waits takes no turn from the others.
  #
  #   throttler = Polyphony::Throttler.new(10) # ten a second
  #   throttler.process { send_mail }
  #
  # It is a bucket of +burst+ tokens, full at first, into which one falls each {#interval} as long as
  # it is not full; each call takes one, or waits for the next to fall. So after a pause +burst+ calls
  # go through at once, and in any stretch of time no more than burst + 1 + time / interval. Who waited
  # goes on the grid of intervals, however late its fiber came to run: that does not add up. But what
  # is late by a whole interval or more begins a new grid, instead of making up for it.
  class Throttler
    # Of an interval: or the last of a burst would wait for what sums of Floats are off.
    ROUNDING = 1e-6
    private_constant :ROUNDING

    # @return [Float] seconds between two calls
    attr_reader :interval
    # @return [Integer] calls that go through at once after a pause
    attr_reader :burst

    # @param rate [Numeric, nil] calls a second
    # @param interval [Numeric, nil] or seconds between two calls
    # @param burst [Integer] calls that go through at once after a pause
    # @raise [ArgumentError] unless exactly one of rate and interval is given, and all is positive and finite
    # @raise [TypeError] for what is no number
    # @suspends no
    def initialize(rate = nil, interval: nil, burst: 1)
      raise ::ArgumentError, 'give either a rate or an interval:' unless rate.nil? ^ interval.nil?

      @interval = rate ? Polyphony.interval_of(rate) : Polyphony.duration(interval, 'interval').to_f
      raise ::ArgumentError, 'interval must be positive and finite' unless @interval.positive? && @interval.finite?

      @burst = Polyphony.count(burst, 'burst')
      @slack = @interval * (@burst - 1)
      @early = @interval * ROUNDING
      @full = -::Float::INFINITY # when the bucket is, or was, full
      @line = WaitingLine.new('throttle', self)
    end

    # Runs the block when it is its turn.
    #
    # @param timeout [Numeric, nil] seconds to wait for it at most; nil: without limit
    # @return [Object] the block's value
    # @raise [ArgumentError] without a block
    # @raise [Polyphony::TimeoutError] when it was not its turn in time; no token is taken
    # @suspends until its turn; always a point where the fiber can be stopped
    def process(timeout: nil)
      raise ::ArgumentError, 'a block is required' unless block_given?

      came = Polyphony.now
      @line.take(timeout, -> { [@full - @slack - Polyphony.now, 0].max }) { turn(came) } ||
        raise(TimeoutError, "not its turn in time: #{inspect}")
      yield
    end
    alias call process

    # @return [Integer] fibers that wait for their turn
    # @suspends no
    def waiting
      @line.size
    end

    # @return [String]
    def inspect
      "#<#{self.class} interval=#{@interval}#{" burst=#{@burst}" if @burst > 1} waiting=#{waiting}>"
    end

    private

    # Takes a token if there is one.
    # @param came [Float] when the caller came
    def turn(came)
      now = Polyphony.now
      return if now < @full - @slack - @early

      on_grid = came < @full && now - @full < @interval
      @full = (on_grid ? @full : now) + @interval
      true
    end
  end
end
