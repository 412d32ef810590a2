# frozen_string_literal: true

module Polyphony
  # Several fibers awaited as one: an awaiter of each of them, that wakes the fiber which waits when
  # it is time, not at each end. @api private
  class Group
    # @return [Lifecycle] who waits
    attr_reader :awaiter

    # @param fiber [Fiber]
    # @return [Lifecycle]
    # @raise [TypeError] for what is no fiber handle
    # @suspends no
    def self.life(fiber)
      return fiber.instance_variable_get(:@life) if fiber.is_a?(FiberMethods)

      raise ::TypeError, "#{fiber.inspect} is no fiber of Polyphony's (spin gives one)"
    end

    # @param fibers [Array<Fiber>] or one Array of them
    # @raise [TypeError] for what is no fiber handle
    # @suspends no
    def initialize(fibers)
      fibers = fibers.first if fibers.size == 1 && fibers.first.is_a?(::Array)
      @lives = fibers.map { |fiber| Group.life(fiber) }
      @cursor = 0
    end

    # @see Polyphony::Fiber.await
    # @suspends until all have ended
    def await
      return [] if @lives.empty?

      watch { wait_for_all }
      @lives.map(&:result)
    end

    # @see Polyphony::Fiber.select
    # @suspends until one has ended
    def select(stop_others)
      return if @lives.empty?

      @selects = true
      watch do
        Scheduler.park(self) until (winner = first)
        fail_with(winner.failure) if winner.failure && stop_others
        stop_all if stop_others
        [winner.fiber, winner.outcome(@awaiter)]
      end
    end

    # @return [String] the reason of who waits, and the first of those waited for
    # @suspends no
    def to_s
      left = @lives.reject(&:dead?)
      "#{@selects ? 'select' : 'await'} #{left.size} of #{@lives.size}: #{left.first&.label}"
    end

    # Called by each of them at its end.
    # @suspends no
    def ended(life)
      @first ||= life
      @failure ||= life.failure
      @awaiter.wake if @selects || @failure || all_dead?
    end

    private

    # Runs the block while each end is told to this group. An error that came meanwhile and was not
    # raised goes to the parent as ever.
    def watch
      @awaiter = Lifecycle.current
      @lives.each { |life| life.refuse_circle(@awaiter) }
      @lives.each { |life| life.add_awaiter(self) }
      Scheduler.checkpoint
      yield
    ensure
      @lives.each do |life|
        life.remove_awaiter(self)
        life.give_back(@awaiter) if life.failure
      end
    end

    def wait_for_all
      until @failure ||= failure_so_far
        @cursor = 0 # one may have been restarted since
        return if @lives.all?(&:dead?) # not all_dead?, which other threads are in as well

        Scheduler.park(self)
      end
      fail_with(@failure)
    end

    # Stops the others and waits for them; then raises, with their errors as suppressed ones.
    def fail_with(failure)
      known = failure.seen_by?(@awaiter)
      @awaiter.take(failure)
      unwinding = Lifecycle::Unwinding.new(@awaiter, failure.error)
      unwinding.outlast do
        stop_all
        Scheduler.checkpoint if known # a restart may have handed it to the parent already: then it waits here
      end
      @lives.each { |life| unwinding.add_failure(life.failure) if life.failure }
      unwinding.finish
    end

    def failure_so_far
      @lives.find { |life| life.dead? && life.failure }&.failure
    end

    def stop_all
      others = @lives.reject(&:dead?)
      others.each(&:stop_soon)
      others.each { |life| life.stop(nil, false) }
    end

    # The one that ended first, unless it lives again.
    def first
      first = @first
      first&.dead? ? first : @first = @lives.find(&:dead?)
    end

    # Looks at each of them once, however often it is asked.
    def all_dead?
      @cursor += 1 while @lives[@cursor]&.dead?
      @cursor >= @lives.size
    end
  end
end
