# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # Which record is running, and making one for fibers that Polyphony did not spin: a thread's
    # root fiber, a fiber of Fiber.schedule.
    module Adoption
      # @return [Lifecycle] the running fiber's
      # @raise [Polyphony::Error] under another library's scheduler
      def current
        Scheduler.handle || attach
      end

      private

      def attach
        scheduler = Scheduler.install
        task = Scheduler.task
        life = new(task.fiber ? nil : :main, nil, nil)
        life.attach_to(task.fiber || ::Fiber.current, task)
        scheduler.on_close = ON_CLOSE
        scheduler.on_fork = ON_FORK
        scheduler.on_finish = ON_FINISH
        Roots.add(life)
        life
      end

      # The thread ends: so do the fibers that its root fiber spun, and then the root itself.
      ON_CLOSE = lambda do
        scheduler = Scheduler.current
        root = scheduler&.root&.handle || scheduler&.main&.handle # a forked child has lost its root
        error = root&.finish_foreign(nil)
        raise error if error
      end

      ON_FORK = lambda do |life|
        life&.orphan
        Roots.leave_behind(life)
      end
      ON_FINISH = ->(life, error) { life.finish_foreign(error) }
      private_constant :ON_CLOSE, :ON_FORK, :ON_FINISH
    end

    # In a forked child: nobody but this fiber is left. With it ends the process (see Scheduler.body).
    def orphan
      everybody.each { |life| life.leave_behind unless equal?(life) }
      @scopes&.each(&:forget)
      @parent = @home = @children = @awaiters = @stoppers = @supervision = @supervisor = nil
    end

    # In a forked child: marks a fiber that stayed in the parent process.
    def leave_behind
      bury(nil, DeadFiber.new("#{fiber.inspect} stayed in the parent process: fork copies only the running fiber"))
      @supervision&.gone
    end

    # Makes a plain fiber a handle: only this one object gets the methods.
    def attach_to(fiber, task)
      @fiber = fiber
      @task = task
      task.handle = self
      fiber.extend(FiberMethods)
      fiber.instance_variable_set(:@life, self)
    end

    private

    # No recursion: there can be more generations than a fiber's stack has room for.
    def everybody
      top = self
      top = top.parent while top.parent
      lives = [top]
      lives.each { |life| lives.concat(life.children) }
    end
  end
end
