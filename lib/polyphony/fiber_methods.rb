# frozen_string_literal: true

require_relative 'raising'
require_relative 'fiber_methods/messaging'

module Polyphony
  # What can be done with a fiber handle. Included in {Polyphony::Fiber}; a root fiber, or a fiber
  # of `Fiber.schedule`, that spins or receives is extended with it as a single object.
  module FiberMethods
    include Messaging

    # Waits for the fiber to end. After a {#restart} this means the new run.
    #
    # @return [Object] what its block returned
    # @raise [Exception] what its block failed with
    # @raise [Polyphony::Error] when a fiber awaits itself or an ancestor
    # @suspends until the fiber has ended
    def await
      @life.await
    end
    alias join await
    alias value await

    # Ends the fiber at its current wait. Its `ensure` blocks run, and may wait; so do its
    # children's. A second stop does not cut a running `ensure`, unless +now+ is true.
    #
    # @param value [Object] what {#await} then gives
    # @param now [Boolean] interrupt it again even if it is ending already
    # @return [self]
    # @suspends until the fiber and its children have ended; unwinds at once when called on itself
    def stop(value = nil, now: false)
      @life.stop(value, now)
      self
    end

    # Starts a fiber as a child of this one, not of the caller: as a further worker of a fiber that
    # supervises its children.
    #
    # @param tag [Object] a name for messages and {Polyphony.tree}
    # @return [Polyphony::Fiber]
    # @raise [ArgumentError] without a block
    # @raise [Polyphony::DeadFiber] when this fiber has ended
    # @raise [Polyphony::Error] when this fiber is of another thread
    # @suspends no
    def spin(tag = nil, &block)
      ::Kernel.raise(::ArgumentError, 'a block is required') unless block
      ::Kernel.raise(DeadFiber, "#{inspect} has ended: it can have no children") if @life.dead?
      if @life.elsewhere?
        ::Kernel.raise(Error, "#{inspect} is of another thread, where its children must be spun; send it a message")
      end

      Fiber.spin(tag, block, nil, @life)
    end

    # Stops the current run, children included, and runs the block again under the same handle.
    # Messages that were not yet received are dropped. Works on an ended fiber, too.
    #
    # There is no new run if the old one fails while it unwinds, if it is stopped meanwhile, or if the
    # parent is ending.
    #
    # @return [self]
    # @raise [Polyphony::Error] for a fiber that was not spun
    # @suspends no
    def restart
      @life.restart
      self
    end

    # Raises an exception in the fiber, at its current or next wait. Arguments as Kernel#raise. Before the
    # first run, the block never runs, and the error is the fiber's end.
    #
    # @return [self]
    # @raise [Polyphony::DeadFiber] when it has ended
    # @suspends no; raises at once when called on itself
    def raise(*arguments, **options)
      error = Raising.exception(arguments, options)
      ::Kernel.raise(error) if @life.current?
      @life.interrupt(error) || ::Kernel.raise(DeadFiber, "#{inspect} has ended: nothing to raise in")
      self
    end

    # As {#raise}: ends the fiber with an error that goes on to who awaits it, or to its parent.
    #
    # @param error [Class, Exception]
    # @return [self]
    # @raise [Polyphony::DeadFiber] when it has ended
    # @suspends no
    def cancel(error = Cancel)
      self.raise(error)
    end

    # @return [Symbol] :runnable, :running, :waiting or :dead
    def state = @life.state

    # @return [Boolean] whether it has not ended; for a spun fiber also before its first run
    def alive?
      !@life.dead?
    end

    # @return [Object] the name given to `spin`
    def tag = @life.tag

    # @param tag [Object]
    def tag=(tag)
      @life.tag = tag
    end

    # @return [Fiber, nil] the fiber that spun it; nil for a root
    def parent
      @life.parent&.fiber
    end

    # @return [Array<Fiber>] the live fibers it has spun, in that order; those in its scopes last
    def children
      @life.children.map(&:fiber)
    end

    # @return [Object, nil] what the block returned; nil before its end and after an error
    def result
      @life.result
    end

    # @return [String] file and line of the block
    def location
      @life.location
    end

    # @return [String, nil] as "io_read fd 7 TCPSocket" or "sleep 3.2 s"; nil while it does not wait
    def waiting_on
      @life.waiting_on
    end

    # @return [String]
    def inspect
      parts = [@life.tag&.inspect, @life.location, @life.state, waiting_on].compact
      "#<#{self.class} #{parts.join(' ')}>"
    end
    alias to_s inspect
  end
end
