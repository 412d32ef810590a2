# frozen_string_literal: true

require_relative 'blocking'
require_relative 'watchdog/report'
require_relative 'watchdog/outlet'
require_relative 'watchdog/sampler'

module Polyphony
  # Names the fibers that keep all others of the running thread waiting: those that compute, or call what
  # blocks the thread, for +threshold+ seconds or more without a wait.
  #
  #   Polyphony.watchdog(0.05)
  #   # watchdog: import app.rb:7 held the loop for 0.31 s at app.rb:8:in `parse', until its wait at app.rb:9:in `gets'
  #
  # Each is reported when it waits next, or ends, with the exact time. A thread looks meanwhile where it is,
  # and reports who does not come to a wait within a second, an endless loop for one; and again each time
  # that its time has doubled. A C function that does not let other threads run is seen at its end only.
  #
  # A second call replaces the first. One watchdog watches one thread: call it in each. In a forked child it goes
  # on, but nobody looks meanwhile: call it again there.
  #
  # @param threshold [Numeric, nil] seconds; nil: off, at no further cost
  # @param io [#write, #warn, nil] gets a line for each report: an IO, or a Logger, whose `warn` is called
  # @param every [Numeric] seconds from one report to the next, at least; those between are counted
  # @param sample [Boolean] whether a thread looks meanwhile; without it reports have the place of the wait
  #   only, and there are none of endless loops
  # @yieldparam report [Polyphony::Watchdog::Report] instead of a line to +io+. Called in the fiber that
  #   held the loop, where it cannot wait, or in the thread that looks. An error in it ends the watchdog and is
  #   raised in the main fiber
  # @return [Polyphony::Watchdog, nil] nil when it is off
  # @raise [TypeError, ArgumentError] for what is no positive number of seconds, or no io
  # @raise [Polyphony::Error] when the thread has another library's scheduler
  # @suspends no
  def self.watchdog(threshold = 0.1, io: $stderr, every: 1, sample: true, &block)
    Watchdog.of(Scheduler.current)&.stop
    return if threshold.nil?
    raise ::ArgumentError, 'threshold must be positive' unless duration(threshold, 'threshold').positive?

    Watchdog.new(threshold, block || io, duration(every, 'every'), sample).start
  end

  # A watchdog that is on, or was. @see Polyphony.watchdog
  class Watchdog
    # @return [Numeric] seconds
    attr_reader :threshold

    # @param scheduler [Scheduler, nil]
    # @return [Watchdog, nil] that watches it
    # @suspends no
    # @api private
    def self.of(scheduler)
      scheduler&.instance_variable_get(:@watchdog)
    end

    # @api private
    def initialize(threshold, receiver, every, sample)
      @threshold = threshold
      @outlet = Outlet.new(receiver, every)
      @sample = sample
    end

    # @return [self]
    # @suspends no
    # @api private
    def start
      @scheduler = Scheduler.install
      @scheduler.instance_variable_set(:@watchdog, self)
      @scheduler.watch_holds(@threshold, ->(task, seconds) { held(task, seconds) }) # a Method would be a frame
      @sampler = Sampler.new(@scheduler, @threshold, @outlet).start if @sample
      self
    end

    # Ends it, in the thread it watches.
    #
    # @return [void]
    # @raise [Polyphony::Error] in another thread
    # @suspends no
    def stop
      scheduler = @scheduler
      return if scheduler.nil?
      raise Error, 'end a watchdog in the thread that it watches' unless scheduler.root.thread.equal?(::Thread.current)

      @scheduler = nil
      @sampler&.stop
      return if scheduler.closed?

      scheduler.watch_holds(@threshold, nil)
      scheduler.instance_variable_set(:@watchdog, nil)
    end

    # Runs the block, then ends the watchdog.
    #
    # @return [Object] the block's value
    # @suspends as its block does
    def during
      yield
    ensure
      stop
    end

    # @return [Boolean]
    # @suspends no
    def on?
      !@scheduler.nil?
    end

    # @return [String]
    # @suspends no
    def inspect
      "#<#{self.class} #{on? ? 'on' : 'off'} #{@threshold} s, #{@outlet.count} reports>"
    end

    private

    # Called by the scheduler, in the fiber that held it.
    def held(task, seconds)
      wait = Frames.shown(caller).first
      sample = @sampler&.sample_of(task, seconds)
      report = Report.new(task, seconds, sample ? sample.backtrace : [], wait, false)
      @outlet.report(report, anyway: sample&.reported)
    end
  end
end
