# frozen_string_literal: true

module Polyphony
  module Testing
    # The time of one scheduler while {Testing.virtual_clock} runs. It stands still while fibers
    # run, and jumps to the next timer when all of them wait.
    class VirtualClock
      # @return [Numeric] real seconds during which nothing may happen before the clock jumps
      attr_reader :threshold

      # @param scheduler [Scheduler]
      # @param threshold [Numeric] real seconds
      # @param autojump [Boolean]
      # @api private
      def initialize(scheduler, threshold, autojump)
        @scheduler = scheduler
        @threshold = Polyphony.duration(threshold, 'threshold')
        self.autojump = autojump
        @start = Polyphony.now
      end

      # The virtual time since the block of {Testing.virtual_clock} began. `Polyphony.now` shows the
      # same time, counted from elsewhere.
      #
      # @return [Float] seconds, to the nanosecond; 0.0 at first
      # @suspends no
      def now
        (Polyphony.now - @start).round(9)
      end

      # Moves the clock forward at once. Timers that are due then fire in the order of their times,
      # when the calling fiber waits. To let time pass step by step, sleep.
      #
      # @param seconds [Numeric]
      # @return [Float] {#now}
      # @raise [TypeError, ArgumentError] for what is no number of seconds
      # @suspends no
      def advance(seconds)
        @scheduler.advance(Polyphony.duration(seconds))
        now
      end

      # @return [Boolean] whether the clock jumps when all fibers wait
      # @suspends no
      def autojump?
        @autojump
      end

      # @param jump [Boolean] false: only {#advance} moves the clock. All fibers waiting for a time is
      #   a Deadlock then
      # @suspends no
      def autojump=(jump)
        @autojump = jump ? true : false
        @scheduler.virtual_clock = @autojump ? @threshold : ::Float::INFINITY
      end

      # @return [String]
      def inspect
        "#<#{self.class} #{now} s#{' autojump' if autojump?}>"
      end
    end

    # Runs the block on a virtual clock: when every fiber of the thread waits, the clock jumps to the
    # next time that one of them waits for. So `sleep 3600` takes no time, and durations are exact.
    #
    # Virtual are all waits of this thread's fibers that are limited in time (`sleep`, `after`, `every`,
    # `move_on_after`, `Timeout.timeout`, `receive(timeout:)`, throttlers, pools …) and {Polyphony.now}.
    # Real remain `Time.now`, `Process.clock_gettime`, other threads and processes, and the other end
    # of a socket: give a +threshold+ where fibers wait for those.
    #
    # Outside of a fiber this opens a {Polyphony.run}. Inside another virtual clock time goes on from
    # where it is; at the end of the block the clock is what it was before, and fibers that are still
    # asleep sleep on by that one.
    #
    # @param threshold [Numeric] real seconds during which nothing happens before the clock jumps
    # @param autojump [Boolean] false: only `clock.advance` moves it
    # @yieldparam clock [VirtualClock]
    # @return [Object] the block's value
    # @raise [TypeError, ArgumentError] for a threshold that is no number of seconds
    # @suspends as its block does
    def self.virtual_clock(threshold: 0, autojump: true, &block)
      raise ::ArgumentError, 'a block is required' unless block

      Polyphony.duration(threshold, 'threshold')
      inside { |scheduler| block.call(VirtualClock.new(scheduler, threshold, autojump)) }
    end

    # Waits until every other fiber of the thread waits, too: for IO, time, or each other. Then what
    # was to happen because of what the test did has happened.
    #
    # @param cushion [Numeric] real seconds for which it must stay so: more than 0 where fibers wait
    #   for a thread, a process or the other end of a socket
    # @return [nil]
    # @raise [TypeError, ArgumentError] for what is no number of seconds
    # @suspends until then
    def self.wait_all_blocked(cushion = 0)
      Polyphony.duration(cushion, 'cushion')
      Scheduler.install
      Scheduler.wait_all_blocked(cushion)
      nil
    end
  end
end
