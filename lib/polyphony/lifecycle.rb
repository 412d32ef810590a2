# frozen_string_literal: true

require_relative 'suppressed'
require_relative 'lifecycle/failure'
require_relative 'lifecycle/unwinding'
require_relative 'lifecycle/late'
require_relative 'lifecycle/run'
require_relative 'lifecycle/ending'
require_relative 'lifecycle/restart'
require_relative 'lifecycle/supervised'
require_relative 'lifecycle/family'
require_relative 'lifecycle/awaiting'
require_relative 'lifecycle/mailbox'
require_relative 'lifecycle/belongings'
require_relative 'lifecycle/adoption'
require_relative 'lifecycle/roots'
require_relative 'lifecycle/backtrace'

module Polyphony
  # The record behind a fiber handle: who its parent is, what it waits for, how it ended. A native
  # fiber can run only once; the record outlives it, so that a restarted fiber is still the same to
  # everybody who knows it.
  #
  #   runnable ──► running ⇄ waiting ──► ending (children are stopped) ──► dead
  #      ▲                                   │                              │
  #      └────────────── restart ────────────┴──────────────────────────────┘
  #
  # @api private: programs use {Polyphony::Fiber}.
  class Lifecycle
    # @return [::Fiber] the handle that programs hold
    attr_reader :fiber
    # @return [Object] what the program calls it
    attr_accessor :tag
    # @return [Lifecycle, nil]
    attr_reader :parent
    # @return [Lifecycle, Scope, nil] who counts it among its children and is told of its end: the parent,
    #   or a scope that the parent opened
    attr_accessor :home
    # @return [Scheduler::Task] the current run
    attr_reader :task
    # @return [Object] what the last run gave
    attr_reader :result
    # @return [Failure, nil] how the last run failed
    attr_reader :failure
    # @param block [Proc] the program's own, where what runs is a wrapper of ours
    attr_writer :site

    include Run
    include Ending
    include Late
    include Restart
    include Supervised
    include Family
    include Awaiting
    include Mailbox
    include Belongings
    extend Adoption

    # @param tag [Object]
    # @param parent [Lifecycle, nil]
    # @param block [Proc, nil] nil for a fiber that Polyphony did not start
    def initialize(tag, parent, block)
      @tag = tag
      @parent = @home = parent
      @block = block
      @dead = false
      @run = 0
    end

    # @return [Exception, nil] what the last run failed with
    def error
      @failure&.error
    end

    # @return [Boolean]
    def dead?
      @dead
    end

    # @return [String] as the handle shows itself
    def inspect
      @fiber.inspect
    end

    # @return [Boolean] whether this is the fiber that asks
    def current?
      equal?(Scheduler.handle)
    end

    # @return [Symbol] :runnable, :running, :waiting or :dead
    def state
      @dead ? :dead : @task.state
    end

    # @return [Scope, nil] that it is in
    def scope
      @home if @home.is_a?(Scope)
    end

    # @return [Float, nil] when the nearest time limit is over: one around what the fiber is doing, or
    #   around the scope that it is in
    def deadline
      [@task.deadline, scope&.deadline].compact.min
    end

    # @return [String, nil]
    def waiting_on
      @task.waiting_on unless @dead
    end

    # @return [Boolean] whether Polyphony started it; else it is a root fiber, or one of Fiber.schedule
    def spun?
      !@block.nil?
    end

    # @return [String] file and line of the spin
    def location
      @location ||= @block ? spin_location : native_location
    end

    # @return [String] the handle's `inspect` without its state: for the words of another fiber's wait
    def label
      "#<#{[@fiber.class, @tag&.inspect, location].compact.join(' ')}>"
    end

    # The reason of who awaits it.
    #
    # @return [String]
    def to_s
      "await #{label}"
    end

    # @return [Boolean] whether it runs on another thread than the one that asks
    def elsewhere?
      !::Thread.current.equal?(@task.thread)
    end

    # Wakes the fiber if it is parked; whatever it waits for, it looks again.
    def wake
      @task.wake
    end

    private

    # The main script's own fiber is spun by a line of ours, which says nothing.
    def spin_location
      place = (@site || @block).source_location&.join(':') || '(native)'
      Frames.ours?(place) ? '(polyphony)' : place
    end

    def native_location
      @task.equal?(@task.scheduler&.root) ? '(root)' : '(Fiber.schedule)'
    end
  end
end
