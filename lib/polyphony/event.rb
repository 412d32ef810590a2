# frozen_string_literal: true

module Polyphony
  # Something that fibers, of any threads, wait for until it has happened: it stays set, and who
  # comes later does not wait. Stock Ruby's ConditionVariable forgets a signal that nobody waited
  # for; a Queue hands each item to one.
  #
  #   ready = Polyphony::Event.new
  #   spin { serve(ready.wait) }
  #   ready.set(open_database)
  #
  # {#set} may be called anywhere, also in a trap handler.
  class Event
    # @suspends no
    def initialize
      @set = false
      @sets = 0
      @waiting = {}.compare_by_identity
      @reason = Reason.new('event', self)
    end

    # It has happened: wakes all that wait. A second time before {#reset} changes nothing.
    #
    # @param value [Object] what {#wait} gives
    # @return [Boolean] whether this call has set it
    # @suspends no
    def set(value = true) # rubocop:disable Style/OptionalBooleanParameter -- any value
      return false if @set

      @value = value
      @set = true
      @sets += 1
      @waiting.keys.each(&:wake)
      true
    end

    # It has not happened (yet, again). Fibers that {#set} has woken go on all the same.
    #
    # @return [self]
    # @suspends no
    def reset
      @set = false
      self
    end

    # @return [Boolean]
    # @suspends no
    def set?
      @set
    end

    # Waits until it is set; not at all if it is.
    #
    # @param timeout [Numeric, nil] seconds to wait at most; nil: without limit
    # @return [Object] what it was set to
    # @raise [Polyphony::TimeoutError] when it was not set in time
    # @raise [TypeError, ArgumentError] for a timeout that is no number of seconds
    # @suspends until it is set; always a point where the fiber can be stopped
    def wait(timeout: nil)
      deadline = Waiting.deadline(timeout)
      life = Lifecycle.current
      Scheduler.checkpoint
      sets = @sets
      # In this order another thread, or a trap handler, cannot set it unnoticed: no lock is needed.
      @waiting[life] = true
      Waiting.park(@reason, deadline) { "not set in time: #{inspect}" } until @set || @sets != sets
      @value
    ensure
      @waiting.delete(life) if life
    end

    # @return [Integer] fibers that wait
    # @suspends no
    def waiting
      @waiting.size
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{@set ? 'set' : "not set, waiting=#{waiting}"}>"
    end
  end
end
