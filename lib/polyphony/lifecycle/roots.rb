# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # The root fibers of all threads, so that a forked child can tell which fibers it has not got: those of
    # threads other than the one that forked. What they wait on lies on stacks that are gone: they are not woken.
    module Roots
      @roots = ::ObjectSpace::WeakMap.new
      @pid = ::Process.pid

      class << self
        # @param life [Lifecycle] of a root fiber, or of one that Fiber.schedule started
        def add(life)
          leave_behind(life) unless @pid == ::Process.pid
          @roots[life] = true
        end

        # In a forked child.
        #
        # @param survivor [Lifecycle, nil] the fiber that forked
        def leave_behind(survivor)
          return if @pid == ::Process.pid

          @pid = ::Process.pid
          @roots.keys.each { |root| root.strand(survivor) }
          @roots = ::ObjectSpace::WeakMap.new
          @roots[survivor] = true if survivor
        end
      end
    end
    private_constant :Roots

    # In a forked child: marks this root fiber of another thread, and all below it, as ended.
    #
    # @param survivor [Lifecycle, nil]
    def strand(survivor)
      return if dead? || equal?(survivor) || ::Thread.current.equal?(@task&.thread) # nil: being made

      everybody.each(&:strand_alone)
    end

    # @see #strand
    def strand_alone
      @awaiters = @stoppers = @mailbox = nil
      name = [@tag&.inspect, location].compact.join(' ') # its state is that of the parent process
      @failure = Failure.new(DeadFiber.new("the fiber #{name} stayed in the parent process"))
      @dead = true
      Registry.release(self) if @names
    end
  end
end
