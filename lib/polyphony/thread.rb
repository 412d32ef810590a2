# frozen_string_literal: true

require_relative 'thread/body'

module Polyphony
  # A thread whose block is non-blocking from the start: fibers, messages and Ruby's blocking methods
  # work in it as in an adopted main script. It has a scheduler of its own; its fibers run beside those
  # of other threads, and any fiber of any thread can send to them, await, stop and restart them.
  #
  #   worker = Polyphony::Thread.new(name: 'worker') { receive_loop { |job| spin { work(job) } } }
  #   worker << job
  #   worker.stop
  #
  # However it ends (by its block, an error, {#stop}, Thread#kill, Thread#raise, the end of the program),
  # its fibers are ended first and their `ensure` blocks run.
  class Thread < ::Thread
    # @param arguments [Array] for the block, as are keywords other than +name+
    # @param name [String, Symbol, nil] of the thread, and the tag of its main fiber (without one: `:main`)
    # @yield in the thread's main fiber
    # @raise [ThreadError] without a block, or when the system gives no thread
    # @raise [TypeError] for a name that is none
    # @suspends no
    def initialize(*arguments, name: nil, **options, &block)
      ::Kernel.raise(::ThreadError, 'must be called with a block') unless block # Thread has a raise of its own

      self.name = name.is_a?(::Symbol) ? name.name : name
      @body = Body.new(name || :main, block, -> { block.call(*arguments, **options) })
      # The new thread inherits this: a kill or raise waits until it can be handled.
      ::Thread.handle_interrupt(::Object => :never) { super() { @body.run } }
    end

    class << self
      # As {#initialize}. Ruby's own would skip it.
      #
      # @return [Polyphony::Thread]
      # @suspends no
      def start(...) = new(...)
      alias fork start
    end

    # The fiber in which the block runs: the handle for everything that can be done with a fiber of
    # another thread.
    #
    # @return [Polyphony::Fiber]
    # @raise [Polyphony::DeadFiber] in a forked child, for a thread that stayed in the parent process
    # @suspends while the thread is being started, which is a moment
    def main_fiber
      @body.check(self)
      @body.main_fiber
    end

    # Puts a message into the main fiber's mailbox. From any thread.
    #
    # @param message [Object]
    # @return [self]
    # @raise [Polyphony::DeadFiber] when its main fiber has ended
    # @suspends as {FiberMethods#send}
    def send(message)
      main_fiber.send(message)
      self
    end
    alias << send

    # As {#send}, for a thread that may have ended.
    #
    # @return [Boolean] whether the message was put into the mailbox
    # @suspends as {FiberMethods#send?}
    def send?(message)
      main_fiber.send?(message)
    end

    # Waits for the end of the thread, as Thread#value does.
    #
    # @return [Object] what its block returned, or the value given to {#stop}; nil when it was killed
    # @raise [Exception] what the thread failed with
    # @raise [ThreadError] when a thread awaits itself
    # @raise [Polyphony::DeadFiber] in a forked child, as {#main_fiber}
    # @suspends until the thread and its fibers have ended
    def await
      @body.check(self)
      value
    end

    # Ends the main fiber at its current wait, as {FiberMethods#stop} does, and with it the thread: `ensure`
    # blocks run and may wait, children end. An error on the way is that of the thread: see {#await}.
    #
    # @param value [Object] what {#await} then gives
    # @param now [Boolean] cut `ensure` blocks that wait already
    # @return [self]
    # @suspends until the thread has ended; in a fiber of the thread itself, as its main fiber's stop
    def stop(value = nil, now: false)
      main_fiber.stop(value, now: now)
      @body.wait_for_end(self) unless equal?(::Thread.current)
      self
    end

    # @return [String] with the file and line of the block
    def inspect
      "#<#{[self.class, name&.inspect, @body.location, status || 'dead'].compact.join(' ')}>"
    end
    alias to_s inspect
  end

  # As {Thread#initialize}.
  #
  # @return [Polyphony::Thread]
  # @suspends no
  def self.thread(...)
    Thread.new(...)
  end

  # @return [Polyphony::Backend]
  # @suspends no
  def self.backend
    @backend ||= Backend.new
  end
end
