# frozen_string_literal: true

module Polyphony
  # Several fibers awaited as one. @api private
  class Group
    # @param fibers [Array<Fiber>] or one Array of them
    # @raise [TypeError] for what is no fiber handle
    def initialize(fibers)
      fibers = fibers.first if fibers.size == 1 && fibers.first.is_a?(::Array)
      @lives = fibers.map { |fiber| Group.life(fiber) }
    end

    # @return [Lifecycle]
    # @raise [TypeError]
    def self.life(fiber)
      fiber.instance_variable_get(:@life) if fiber.is_a?(FiberMethods) or
        raise ::TypeError, "#{fiber.inspect} is no fiber of Polyphony's (spin gives one)"
    end

    # @see Polyphony::Fiber.await
    def await
      return [] if @lives.empty?

      watch { |awaiter| Scheduler.park(:await) until @lives.all?(&:dead?) || failed(awaiter) }
      @lives.map(&:result)
    end

    # @see Polyphony::Fiber.select
    def select(stop_others)
      return if @lives.empty?

      watch { Scheduler.park(:select) until @lives.any?(&:dead?) }
      first = @lives.find(&:dead?)
      (@lives - [first]).each { |life| life.stop(nil, false) } if stop_others
      [first.fiber, first.outcome(Lifecycle.current)]
    end

    private

    # Runs the block while the running fiber is told of each end.
    def watch
      awaiter = Lifecycle.current
      @lives.each { |life| life.refuse_circle(awaiter) }
      @lives.each { |life| life.add_awaiter(awaiter) }
      Scheduler.checkpoint
      yield awaiter
    ensure
      @lives.each { |life| life.remove_awaiter(awaiter) } if awaiter
    end

    # The first failure ends the others, then is raised.
    def failed(awaiter)
      failure = @lives.find { |life| life.dead? && life.error }
      return false unless failure

      awaiter.mark_delivered(failure.error)
      @lives.each(&:stop_soon)
      Scheduler.park(:await) until @lives.all?(&:dead?)
      raise failure.error
    end
  end
end
