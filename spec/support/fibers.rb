# frozen_string_literal: true

require 'polyphony/core'

# For specs of layers 2 and 3. An example marked `:fibers` runs as the main fiber of Polyphony.run, so an
# error that nobody rescues fails it; `spin` and the other verbs are there without `require 'polyphony'`,
# which adopts scripts and adds methods to Kernel.
module Fibers
  # Kernel's verbs, as an application has them.
  %i[spin spin_loop after every move_on_after cancel_after receive receive_loop supervise snooze suspend
     throttled_loop].each do |verb|
    define_method(verb) { |*args, **options, &block| Polyphony.public_send(verb, *args, **options, &block) }
  end

  # @return [Array] what the example's fibers did, in order
  def log
    @log ||= []
  end

  # Seconds after which what {wait_until} waits for will not happen any more.
  PATIENCE = Float(ENV.fetch('POLYPHONY_PATIENCE', 20))

  # Lets other fibers run until the block is true.
  def wait_until
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
    until yield
      raise 'what the example waits for did not happen' if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      Polyphony.snooze
    end
  end

  # Lets other fibers run until all of them wait, in whatever order they run.
  def settle
    Polyphony::Scheduler.wait_all_blocked
  end

  # @return [Polyphony::Fiber] started, and at its first wait
  def waiting(...)
    Polyphony.spin(...).tap { |fiber| wait_until { fiber.state == :waiting || fiber.state == :dead } }
  end

  # @return [Exception, nil] what the block raised
  def error_of
    yield
    nil
  rescue Exception => e # rubocop:disable Lint/RescueException -- it is what is asked for
    e
  end

  def self.install(config)
    config.include Fibers
    config.around(:each, :fibers) do |example|
      Polyphony.run do
        example.run
      ensure # an earlier example may have left the thread its scheduler: that one goes on to the next
        Polyphony::Scheduler.current.virtual_clock = nil
      end
    end
  end
end

RSpec.configure { |config| Fibers.install(config) }
