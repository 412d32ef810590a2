# frozen_string_literal: true

require_relative 'scope/running'

module Polyphony
  # Opens a scope: fibers spun into it, by anyone, have ended when `scope` returns. The block runs in the
  # calling fiber; then the scope waits for its fibers, those spun meanwhile too. The fiber's other
  # children are no concern of it.
  #
  # When one of its fibers fails, the others and the block are stopped, and `scope` raises the error. So
  # it does when the block itself raises or is interrupted. See {suppressed} for further errors.
  #
  # @param tag [Object] a name for {tree}
  # @yieldparam scope [Polyphony::Scope]
  # @return [Object] the block's value, or what was given to {Scope#stop}
  # @raise [Exception] what the block or one of the fibers failed with, the first of them
  # @raise [ArgumentError] without a block
  # @raise [Polyphony::Error] when the thread has another library's scheduler
  # @suspends as its block does, and until all fibers of the scope have ended; always a point where the
  #   fiber can be stopped
  def self.scope(tag = nil, &block)
    raise ::ArgumentError, 'a block is required' unless block

    Scope.new(tag, Lifecycle.current, block).run
  end

  # A place for fibers with an end of its own, also called a nursery; {Polyphony.scope} opens one. Its
  # fibers are children of the fiber that opened it. Pass the scope on: what a method or another fiber
  # spins into it may outlive that method or fiber, but not the scope.
  #
  #   Polyphony.scope do |scope|
  #     scope.spin(:listener) { listen(scope) }
  #     connections.each { |connection| scope.spin { serve(connection) } }
  #   end # all of them have ended here
  class Scope
    include Running

    # @return [Object] what the program calls it
    attr_reader :tag
    # @return [String] file and line of the block
    attr_reader :location
    # @return [Float, nil] when the time limits around the scope are over, on the clock of
    #   {Polyphony.now}; they count for its fibers, too
    attr_reader :deadline
    # @return [Lifecycle] of the fiber that opened it
    # @api private
    attr_reader :host

    # @api private
    def initialize(tag, host, block)
      @tag = tag
      @host = host
      @block = block
      @location = block.source_location&.join(':') || '(native)'
      @deadline = host.deadline
      @lives = {}.compare_by_identity
      @unwinding = Lifecycle::Unwinding.new(host)
    end

    # Starts a fiber in the scope: a child of the fiber that opened it. It is queued, and runs when the
    # calling fiber waits. In a scope that is being stopped, it is stopped before it runs.
    #
    # @param tag [Object] a name for messages and {Polyphony.tree}
    # @return [Polyphony::Fiber]
    # @raise [ArgumentError] without a block
    # @raise [Polyphony::Closed] when the scope has ended
    # @raise [Polyphony::Error] in another thread than the scope's
    # @suspends no
    def spin(tag = nil, &block)
      raise ::ArgumentError, 'a block is required' unless block
      raise Closed, "#{inspect} has ended, with all of its fibers: spin into one that is open" unless open?

      refuse_other_threads
      Fiber.spin_into(self, tag, block)
    end

    # Ends the scope: its block, at its current wait, and its fibers. `ensure` blocks run, and may wait.
    # What {Polyphony.scope} then gives is +value+. Does nothing to a scope that has ended.
    #
    # @param value [Object]
    # @param now [Boolean] interrupt fibers again that are ending already
    # @return [self]
    # @raise [Polyphony::Error] in another thread than the scope's
    # @suspends until the scope has ended; in its block, and in its fibers, it unwinds at once
    def stop(value = nil, now: false)
      return self unless open?

      refuse_other_threads
      @stopped, @value = true, value unless @stopping
      stopper = Lifecycle.current
      unwinds = stopper.stopping? # it must not wait for what waits for it
      stop_lives(now)
      cut
      wait_for_end(stopper, unwinds)
      self
    end

    # @return [Boolean] whether fibers can be spun into it
    def open?
      Scheduler.current # notices a fork
      !@closed && !@host.dead?
    end

    # @return [Array<Polyphony::Fiber>] its live fibers, in the order they were spun
    def children
      Scheduler.current # notices a fork
      @lives.keys.map(&:fiber)
    end

    # @return [String] as {Polyphony.tree} names it
    # @api private
    def label
      "scope #{@tag.nil? ? @location : @tag.inspect}"
    end

    # @return [String]
    def inspect
      "#<#{[self.class, @tag&.inspect, @location, state, "children=#{@lives.size}"].compact.join(' ')}>"
    end
    alias to_s inspect

    private

    def state
      return :closed unless open?

      @stopping ? :stopping : :open
    end

    def refuse_other_threads
      return unless @host.elsewhere?

      raise Error, "#{inspect} belongs to the thread that opened it: fibers of two threads cannot share a scope. " \
                   'Send a message to a fiber of its thread, which spins or stops there'
    end
  end
end
