# frozen_string_literal: true

module Polyphony
  # Opens once, after so many things have been done, by whomever. Unlike `await` it needs no fibers to
  # end, and unlike {Barrier} those who count need not wait. Stock Ruby has nothing of the kind.
  #
  #   started = Polyphony::Latch.new(3)
  #   3.times { spin { connect; started.count_down; work } }
  #   started.wait # all three are connected
  class Latch
    # @return [Integer] what is left to be done
    attr_reader :count

    # @param count [Integer] 0: open from the start
    # @raise [ArgumentError] for anything but a number of things
    # @suspends no
    def initialize(count)
      unless count.is_a?(::Integer) && !count.negative?
        raise ::ArgumentError, "count must be an Integer of at least 0, not #{count.inspect}"
      end

      @count = count
      @line = WaitingLine.new('latch', self)
    end

    # One thing, or several, are done. With the last it opens, for good.
    #
    # @param number [Integer]
    # @return [Integer] what is left
    # @raise [ArgumentError] unless it is a positive Integer
    # @raise [Polyphony::Error] when more is done than there was
    # @suspends no
    def count_down(number = 1)
      Polyphony.count(number, 'number')
      left = @line.synchronize do
        raise Error, "counted down by #{number}, with #{@count} left: #{inspect}" if number > @count

        @count -= number
      end
      @line.wake_all if left.zero?
      left
    end

    # @return [Boolean]
    # @suspends no
    def open?
      @count.zero?
    end

    # Waits until it is open.
    #
    # @param timeout [Numeric, nil] seconds to wait at most; nil: without limit
    # @return [true]
    # @raise [Polyphony::TimeoutError] when it did not open in time
    # @raise [TypeError, ArgumentError] for a timeout that is no number of seconds
    # @suspends until it is open; always a point where the fiber can be stopped
    def wait(timeout: nil)
      @line.wait_until(timeout) { open? } || raise(TimeoutError, "not open in time: #{inspect}")
    end

    # @return [Integer] fibers that wait
    # @suspends no
    def waiting
      @line.size
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{open? ? 'open' : "#{@count} left, waiting=#{waiting}"}>"
    end
  end
end
