# frozen_string_literal: true

module Polyphony
  # Runs the block in a non-blocking main fiber, in which Ruby's own blocking methods let other
  # fibers run. Inside of such a fiber, just calls the block.
  #
  # Signals that Ruby turns into exceptions (INT, TERM, …) are raised in the main fiber.
  #
  # @return [Object] the block's value
  # @raise [Exception] what the block, or an unrescued fiber, raised
  # @raise [Polyphony::Error] when the thread has another library's scheduler
  # @suspends until the block and all fibers spun in it have ended
  def self.run(&block)
    raise ::ArgumentError, 'a block is required' unless block
    return yield if Scheduler.current && !::Fiber.current.blocking?

    installed = Scheduler.current.nil?
    scheduler = Scheduler.install
    begin
      run_main(scheduler, block)
    ensure
      ::Fiber.set_scheduler(nil) if installed
    end
  end

  def self.run_main(scheduler, block)
    main = Fiber.spin(:main, block)
    life = main.instance_variable_get(:@life)
    previous = scheduler.main
    scheduler.main = life.task
    Signals.to(life) { main.await }
  ensure
    scheduler.main = previous if previous
  end
  private_class_method :run_main
end
