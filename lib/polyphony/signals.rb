# frozen_string_literal: true

require_relative 'frames'

module Polyphony
  # Signals go to the main fiber. Ruby raises Interrupt and SignalException in whatever fiber happens
  # to run; a fiber that serves one connection is the wrong one to be ended by Ctrl-C.
  module Signals
    # Those that Ruby turns into exceptions.
    NAMES = %w[INT TERM HUP QUIT USR1 USR2 ALRM].freeze

    # Runs the block; signals that have Ruby's default action meanwhile are raised in +life+.
    #
    # @param life [Lifecycle] the main fiber
    # @suspends as its block does
    def self.to(life)
      return yield unless ::Thread.current == ::Thread.main

      handlers = {}
      begin
        NAMES.each { |name| install(life, name, handlers) }
        yield
      ensure
        handlers.each { |name, handler| restore(name, handler) }
      end
    end

    # Ruby tells the handler that there is only in exchange for another.
    def self.install(life, name, handlers)
      handler = proc { deliver(life, name) }
      previous = ::Signal.trap(name, handler)
      return ::Signal.trap(name, previous) unless previous == 'DEFAULT'

      Scheduler::SignalHandlers.own[handler] = name
      handlers[name] = handler
    end
    private_class_method :install

    # A handler that the program has set meanwhile stays.
    def self.restore(name, handler)
      current = ::Signal.trap(name, 'DEFAULT')
      ::Signal.trap(name, current) unless current.equal?(handler)
      Scheduler::SignalHandlers.own.delete(handler)
    end
    private_class_method :restore

    # At once if main runs, or if an earlier one still waits for a fiber that does not wait; and in a child
    # that another thread has forked, where that thread is the main one. But never in the midst of our own
    # code, which might be about to tell a parent of the end of its child: then at the next wait, or the end.
    def self.deliver(life, name)
      error = name == 'INT' ? ::Interrupt.new('') : ::SignalException.new("SIG#{name}")
      raise error if life.elsewhere?

      at_once = life.current? || life.dead? || life.task.interrupted?
      raise error if at_once && !Frames.ours?(interrupted_line)

      # Main may be ending, or be left behind by a fork, just now.
      life.interrupt(error) || Scheduler.current&.root&.handle&.interrupt(error) || raise(error)
    end

    # @return [String] the line of Ruby code that the handler has come between
    def self.interrupted_line
      caller.find { |line| !line.start_with?(__FILE__, '<internal:') } || ''
    end
    private_class_method :interrupted_line
    private_class_method :deliver
  end
  private_constant :Signals
end
