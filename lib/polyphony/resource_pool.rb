# frozen_string_literal: true

require_relative 'resource_pool/disposal'
require_relative 'resource_pool/upkeep'

module Polyphony
  # Shares a limited number of resources (connections) among any number of fibers, of any threads.
  # They are made when first needed, handed out first come, first served, and used by one fiber at a time.
  #
  #   pool = Polyphony::ResourcePool.new(limit: 5, close: :close.to_proc) { PG.connect(options) }
  #   pool.acquire { |connection| connection.exec('select 1') }
  #
  # In a forked child the pool is empty: what was made in the parent is neither used nor closed there.
  class ResourcePool
    include Upkeep
    include Disposal

    # @return [Integer] how many resources there can be
    attr_reader :limit
    # @return [Integer] how many there are, also those being made
    attr_reader :size

    # @param limit [Integer]
    # @param timeout [Numeric, nil] seconds that {#acquire} waits at most, if it is not told otherwise
    # @param check [#call, nil] says whether a resource, which it is given, may be handed out again; if not, or if
    #   it raises a StandardError, another is made in its place. May wait
    # @param close [#call, nil] closes a resource that the pool has no more use for. A StandardError of it is printed
    # @param discard_on_error [Boolean, Class, Array<Class>] after which errors of {#acquire}'s block its
    #   resource is discarded. true: after all, a stop, cancel or time limit in the middle of an operation included
    # @param max_age [Numeric, nil] seconds after its making that a resource is handed out no more
    # @param max_idle [Numeric, nil] seconds after its last use that it is handed out no more
    # @yieldreturn [Object] a new resource. May wait
    # @raise [ArgumentError, TypeError]
    # @suspends no
    def initialize(limit:, timeout: nil, check: nil, close: nil, discard_on_error: false, # rubocop:disable Metrics/ParameterLists -- options
                   max_age: nil, max_idle: nil, &allocator)
      raise ::ArgumentError, 'a block that makes a resource is required' unless allocator

      @limit = Polyphony.count(limit, 'limit')
      @allocator = allocator
      @timeout = timeout && Polyphony.duration(timeout, 'timeout')
      @options = Options.new(check, close, discard_on_error, max_age, max_idle)
      @line = WaitingLine.new('acquire', self) { available? || @closed }
      @closers = WaitingLine.new('close of', self)
      @closed = false
      @made = @discarded = 0
      start_empty
    end

    # Runs the block with a resource. In a fiber that holds one already, with that one.
    #
    # @param timeout [Numeric, nil] seconds to wait for a place at most; nil: without limit. What checking and
    #   making one take is not counted
    # @yieldparam resource [Object]
    # @return [Object] the block's value
    # @raise [Polyphony::TimeoutError] when none was free in time
    # @raise [Polyphony::Closed] when the pool is or gets closed
    # @raise [Exception] what making one failed with: the place is free again
    # @raise [TypeError, ArgumentError] for a timeout that is no number of seconds
    # @suspends until a resource is free, checked or made; if it holds none, always a point where it can be stopped
    def acquire(timeout: @timeout, &block)
      raise ::ArgumentError, 'a block is required' unless block

      notice_fork
      life = Lifecycle.current
      held = @held[life]
      return yield(held.resource) if held

      use(ready(take(timeout)), life, block)
    end

    # Drops the resource that the calling fiber holds: another can be made at once. The pool closes this one
    # when {#acquire} ends.
    #
    # @return [Object] the resource
    # @raise [Polyphony::Error] when the fiber holds none
    # @suspends no
    def discard!
      entry = @held[Lifecycle.current]
      raise Error, 'this fiber holds no resource of the pool' unless entry

      give_up(entry) unless entry.discarded
      entry.resource
    end

    # Makes resources until there are +count+, so that none need be made at first use.
    #
    # @param count [Integer] up to {#limit}
    # @return [self]
    # @raise [ArgumentError] for anything else
    # @raise [Polyphony::Closed] when the pool is closed
    # @raise [Exception] what making one failed with
    # @suspends as the block of {#initialize} does
    def fill!(count = @limit)
      raise ::ArgumentError, "count must not exceed the limit, #{@limit}" if Polyphony.count(count, 'count') > @limit

      notice_fork
      fill(count)
      self
    end

    # Hands out nothing any more: fibers that wait get an error. Idle resources are closed now, those in
    # use when they come back.
    #
    # @param wait [Boolean] whether to wait until all are closed
    # @yieldparam resource [Object] closes a resource, instead of the `close:` of {#initialize}
    # @return [void]
    # @raise [Polyphony::Error] when the calling fiber is to wait for itself: it holds a resource
    # @raise [StandardError] the first error of closing an idle one; all have been tried then
    # @suspends as closing does, and with +wait+ until all are closed
    def close(wait: false, &closer)
      notice_fork
      refuse_own if wait
      @options.close = closer if closer
      idle = @line.synchronize do
        @closed = true
        @idle.slice!(0..)
      end
      @line.wake_all
      close_all(idle)
      @closers.wait_until(nil) { @size.zero? && @held.empty? } if wait
      nil
    end

    # @return [Boolean]
    # @suspends no
    def closed? = @closed

    # @return [Integer] resources that are idle
    # @suspends no
    def available = @idle.size

    # @return [Integer] fibers that wait for one
    # @suspends no
    def waiting = @line.size

    # @return [Hash{Symbol => Integer}] limit, size, available, in_use, waiting; made and discarded since the start
    # @suspends no
    def stats
      { limit: @limit, size: @size, available: available, in_use: @held.size, waiting: waiting,
        made: @made, discarded: @discarded }
    end

    # @return [String]
    def inspect
      counts = "size=#{@size}/#{@limit} available=#{available} waiting=#{waiting}"
      "#<#{self.class}#{' closed' if @closed} #{counts}>"
    end
  end
end
