# frozen_string_literal: true

require_relative 'blocking'
require_relative 'trace/event'
require_relative 'trace/filter'
require_relative 'trace/tracers'

module Polyphony
  # Tells of each step of the running thread's fibers, as it happens: the block is called with it, or a
  # line is written to +io+. Costs nothing while it is off.
  #
  #   trace = Polyphony.trace(io: $stderr, only: %i[spin end])
  #   …
  #   trace.stop
  #
  #   Polyphony.trace { |event| counts[event.name] += 1 }.during { work }
  #
  # The block runs in the fiber that the event is of, right before that waits. It should be quick, and cannot
  # wait: what waits raises a FiberError there (hand over to another fiber by a Queue). What it does is not
  # traced. An error in it ends the trace and is raised in the main fiber.
  # Several traces at a time do not know of each other.
  #
  # @param io [#write, nil] gets each event as a line of text; a full pipe stops the thread
  # @param only [Symbol, Array<Symbol>, nil] names of events, see {Trace::Event#name}; nil: all
  # @param fiber [Fiber, Object, Array, nil] fibers, or what their tags match by `===` (a Symbol, a
  #   Regexp); nil: all of them, and what concerns none
  # @yieldparam event [Polyphony::Trace::Event]
  # @return [Polyphony::Trace] on, until its `stop`
  # @raise [ArgumentError] without io and block, with both, and for names that there are not
  # @raise [Polyphony::Error] when the thread has another library's scheduler
  # @suspends no
  def self.trace(io: nil, only: nil, fiber: nil, &block)
    raise ::ArgumentError, 'give a block that takes each event, or an io: to write it to' unless io.nil? ^ block.nil?
    raise ::TypeError, "io must respond to write: #{io.inspect}" unless io.nil? || io.respond_to?(:write)

    Trace.new(only, fiber, block || ->(event) { Blocking.call { io.write("#{event}\n") } }).start
  end

  # A trace that is on, or was. @see Polyphony.trace
  class Trace
    # @return [Integer] events so far, those only that passed the filters
    attr_reader :count
    # @return [Exception, nil] what its block failed with
    attr_reader :error

    # @api private
    def initialize(only, fiber, receiver)
      @filter = Filter.new(only, fiber)
      @receiver = receiver
      @count = 0
    end

    # @return [self]
    # @suspends no
    # @api private
    def start
      @scheduler = Scheduler.install
      Tracers.of(@scheduler).add(self)
      self
    end

    # Ends it. Works from any fiber of its thread, from its own block, too.
    #
    # @return [void]
    # @raise [Polyphony::Error] in another thread
    # @suspends no
    def stop
      scheduler = @scheduler
      return if scheduler.nil?
      raise Error, 'a trace is ended in the thread it is of' unless scheduler.root.thread.equal?(::Thread.current)

      @scheduler = nil
      Tracers.of(scheduler).remove(self) unless scheduler.closed?
    end

    # Runs the block, then ends the trace.
    #
    # @return [Object] the block's value
    # @suspends as its block does
    def during
      yield
    ensure
      stop
    end

    # @return [Boolean]
    # @suspends no
    def on?
      !@scheduler.nil?
    end

    # Called for each event.
    #
    # @return [void]
    # @suspends no
    # @api private
    def call(name, task, detail, time)
      return unless @filter.pass?(name, task)

      @count += 1
      @receiver.call(Event.new(name, Event.fiber_of(task), detail, time))
    rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised in main
      @error = e
      scheduler = @scheduler
      stop
      scheduler&.main&.interrupt(e)
    end

    # @return [String]
    # @suspends no
    def inspect
      "#<#{self.class} #{on? ? 'on' : 'off'} #{@count} events>"
    end
  end
end
