# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # The root fibers of all threads, so that a forked child can tell which fibers it has not got: those of
    # threads other than the one that forked. What they wait on lies on stacks that are gone: they are not woken.
    module Roots
      # So many are kept before those that ended without a word (a thread that was lost) are looked for.
      FEW = 64
      private_constant :FEW

      @roots = {}.compare_by_identity # no WeakMap: on Ruby 3.1 that of a forked child holds other objects
      @limit = FEW
      @pid = ::Process.pid

      class << self
        # @param life [Lifecycle] of a root fiber, or of one that Fiber.schedule started
        def add(life)
          leave_behind(life) unless @pid == ::Process.pid
          sweep if @roots.size >= @limit
          @roots[life] = true
        end

        # @param life [Lifecycle] that has ended
        def remove(life)
          @roots.delete(life)
        end

        # In a forked child.
        #
        # @param survivor [Lifecycle, nil] the fiber that forked
        def leave_behind(survivor)
          return if @pid == ::Process.pid

          @pid = ::Process.pid
          roots = @roots.keys
          @roots = {}.compare_by_identity
          roots.each { |root| root.strand(survivor) }
          @roots[survivor] = true if survivor
        end

        private

        def sweep
          @roots.keys.each { |life| @roots.delete(life) if life.lost? }
          @limit = [@roots.size * 2, FEW].max
        end
      end
    end
    private_constant :Roots

    # @return [Boolean] whether it has ended, with or without its thread
    def lost?
      @dead || (@task && !@task.thread&.alive?)
    end

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
