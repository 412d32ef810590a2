# frozen_string_literal: true

module Polyphony
  # Shares a limited number of resources (connections) among any number of fibers. Resources are
  # made when first needed, handed out first come, first served, and used by one fiber at a time.
  #
  #   pool = Polyphony::ResourcePool.new(limit: 5) { PG.connect(options) }
  #   pool.acquire { |connection| connection.exec('select 1') }
  class ResourcePool
    # @return [Integer] how many resources there can be
    attr_reader :limit
    # @return [Integer] how many there are
    attr_reader :size

    # @param limit [Integer]
    # @yieldreturn [Object] a new resource
    # @raise [ArgumentError]
    def initialize(limit:, &allocator)
      raise ::ArgumentError, 'a block that makes a resource is required' unless allocator

      @limit = Polyphony.count(limit, 'limit')
      @allocator = allocator
      @size = 0
      @idle = []
      @waiting = []
      @held = {}.compare_by_identity
      @reason = Reason.new('acquire', self)
    end

    # Runs the block with a resource. In a fiber that holds one already, with that one.
    #
    # @param timeout [Numeric, nil] seconds to wait for one
    # @yieldparam resource [Object]
    # @return [Object] the block's value
    # @raise [Polyphony::TimeoutError] when none was free in time
    # @raise [Polyphony::Closed] when the pool is or gets closed
    # @suspends until a resource is free
    def acquire(timeout: nil)
      raise ::ArgumentError, 'a block is required' unless block_given?

      life = Lifecycle.current
      held = @held[life]
      return yield(held.first) if held

      resource = take(life, timeout)
      @held[life] = [resource]
      begin
        yield resource
      ensure
        give_back(@held.delete(life))
      end
    end

    # Drops the resource that the calling fiber holds: a new one is made when it is needed.
    #
    # @return [Object] the resource, for the caller to close
    # @raise [Polyphony::Error] when the fiber holds none
    # @suspends no
    def discard!
      held = @held[Lifecycle.current]
      raise Error, 'this fiber holds no resource of the pool' unless held
      return held.first if held[1]

      held[1] = true
      @size -= 1
      wake_next
      held.first
    end

    # @return [Integer] resources that are idle
    def available = @idle.size

    # @return [Integer] fibers that wait for one
    def waiting = @waiting.size

    # Hands out nothing any more: idle resources are dropped, waiting fibers get an error.
    #
    # @yieldparam resource [Object] each idle resource, to close it
    # @return [void]
    # @suspends no
    def close(&block)
      @closed = true
      idle, @idle = @idle, []
      @size -= idle.size
      @waiting.each(&:wake)
      idle.each(&block) if block
    end

    # @return [String]
    def inspect = "#<#{self.class} size=#{@size}/#{@limit} available=#{available} waiting=#{waiting}>"

    private

    # First come, first served: a fiber takes only when it is at the head of the queue. It leaves the
    # queue before it makes a resource, which may take long.
    def take(life, timeout)
      deadline = timeout && (Polyphony.now + Polyphony.duration(timeout, 'timeout'))
      wait_in_line(life, deadline)
      raise Closed, 'the resource pool is closed' if @closed

      @idle.empty? ? allocate : @idle.pop
    ensure
      wake_next
    end

    def wait_in_line(life, deadline)
      @waiting.push(life)
      Scheduler.checkpoint
      wait_for_one(deadline) until ready_for?(life)
    ensure
      @waiting.delete_at(@waiting.index(life))
      wake_next
    end

    def ready_for?(life)
      @closed || (@waiting.first.equal?(life) && (!@idle.empty? || @size < @limit))
    end

    def wait_for_one(deadline)
      left = deadline && (deadline - Polyphony.now)
      return Scheduler.park(@reason) if left.nil? || left.infinite?
      raise TimeoutError, "no resource was free in time (limit #{@limit}, #{waiting} waiting)" unless left.positive?

      Scheduler.park(@reason, left)
    end

    # The slot is counted while the resource is being made, and free again if that fails.
    def allocate
      @size += 1
      @allocator.call
    rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
      @size -= 1
      raise
    end

    def give_back(held)
      resource, discarded = held
      if discarded || @closed
        @size -= 1 unless discarded
      else
        @idle.push(resource)
      end
      wake_next
    end

    def wake_next
      @waiting.first&.wake if !@idle.empty? || @size < @limit
    end
  end
end
