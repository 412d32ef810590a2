# frozen_string_literal: true

module Polyphony
  # Limits how often something is done, across all fibers that use it. The first call goes through
  # at once, later ones on a grid of intervals, in the order they came; idle time is not saved up.
  #
  #   throttler = Polyphony::Throttler.new(10) # ten a second
  #   throttler.process { send_mail }
  class Throttler
    # @return [Float] seconds between two calls
    attr_reader :interval

    # @param rate [Numeric, nil] calls a second
    # @param interval [Numeric, nil] or seconds between two calls
    # @raise [ArgumentError] unless exactly one of them is given and positive
    def initialize(rate = nil, interval: nil)
      raise ::ArgumentError, 'give either a rate or an interval:' unless rate.nil? ^ interval.nil?

      @interval = rate ? Polyphony.interval_of(rate) : Polyphony.duration(interval, 'interval').to_f
      raise ::ArgumentError, 'interval must be positive' unless @interval.positive?

      @next = 0.0
    end

    # Runs the block when it is its turn.
    #
    # @return [Object] the block's value
    # @suspends until its turn
    def process
      raise ::ArgumentError, 'a block is required' unless block_given?

      Scheduler.install
      now = Polyphony.now
      # Each caller takes its place on the grid before it waits: that makes the order fair.
      turn = @next > now ? @next : now
      @next = turn + @interval
      Polyphony.sleep_until(turn)
      yield
    end
    alias call process

    # @return [String]
    def inspect
      "#<#{self.class} interval=#{@interval}>"
    end
  end
end
