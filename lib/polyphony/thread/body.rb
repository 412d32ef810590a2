# frozen_string_literal: true

module Polyphony
  class Thread < ::Thread
    # What a {Thread} runs: a scheduler, and a main fiber in it that others can have in hand from the
    # moment it is there, long before its block begins.
    #
    # The thread starts with all of Ruby's asynchronous interrupts held back, so that a kill that comes
    # at once finds a main fiber to end, and who waits for it is told.
    class Body
      # @param tag [Object] of the main fiber
      # @param site [Proc] the program's block: where it says that the fiber was spun
      # @param work [Proc] what the main fiber runs
      def initialize(tag, site, work)
        @tag = tag
        @site = site
        @work = work
        @pid = ::Process.pid
        @started = ::Thread::Queue.new # closed once there is a main fiber: wakes all who wait for it
      end

      # @return [String] file and line of the block
      def location
        @site.source_location&.join(':') || '(native)'
      end

      # In the thread.
      #
      # @return [Object] the block's value
      # @raise [Exception] what it failed with
      # @suspends until it and all fibers of the thread have ended
      def run
        start_and_await
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again
        @error = e
        Suppressed.print(e) if ::Thread.current.report_on_exception # beside what Ruby prints of it
        raise
      end

      # @return [Polyphony::Fiber]
      # @suspends until the thread has got that far
      def main_fiber
        @started.pop unless @main_fiber || @started.closed?
        @main_fiber
      end

      # @param thread [Thread]
      # @raise [Polyphony::DeadFiber] in a forked child, which has none of its parent's threads but the one that forked
      # @suspends no
      def check(thread)
        return if @pid == ::Process.pid || thread.equal?(::Thread.current)

        raise DeadFiber, "#{thread.inspect} stayed in the parent process: fork copies only the running thread"
      end

      # Waits for the end of the thread, but leaves its error to who asks for its value.
      #
      # @param thread [Thread]
      # @suspends until the thread has ended
      def wait_for_end(thread)
        thread.join
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again unless it is the thread's own
        raise unless e.equal?(@error)
      end

      private

      def start_and_await
        scheduler = Scheduler.install
        @main_fiber = Fiber.spin(@tag, @work, @site)
        scheduler.main = @main_fiber.instance_variable_get(:@life).task
        @started.close
        ::Thread.handle_interrupt(::Object => :immediate) { await_and_close }
      ensure
        close
      end

      # Its fibers end in here, where they can be interrupted.
      def await_and_close
        @main_fiber.await
      ensure
        close
      end

      # Ends what fibers are left. Ruby 3.1 does that itself only after a good end.
      def close
        ::Fiber.set_scheduler(nil) if ::Fiber.scheduler
      end
    end
    private_constant :Body
  end
end
