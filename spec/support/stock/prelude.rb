# frozen_string_literal: true

# Loaded into the processes of Stock#script. Their main thread is the one with the scheduler, as in a program.
$stdout.sync = true

# Lets the other fibers run.
def give_way(times = 10)
  times.times { sleep 0 }
end

# Makes the call in a fiber of this thread; when it is pending and +ticks+ others have run, says "ticked".
def beside_ticker(ticks = 10)
  Fiber.set_scheduler(Polyphony::Scheduler.new)
  pending = true
  Fiber.schedule do
    yield
    pending = false
  end
  Fiber.schedule do
    give_way(ticks)
    puts(pending ? 'ticked' : 'the call had ended')
  end
end
