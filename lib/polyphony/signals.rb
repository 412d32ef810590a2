# frozen_string_literal: true

module Polyphony
  # Signals go to the main fiber. Ruby raises Interrupt and SignalException in whatever fiber happens
  # to run; a fiber that serves one connection is the wrong one to be ended by Ctrl-C.
  module Signals
    # Those that Ruby turns into exceptions.
    NAMES = %w[INT TERM HUP QUIT USR1 USR2 ALRM].freeze

    # Runs the block; signals that have Ruby's default action meanwhile are raised in +life+.
    #
    # @param life [Lifecycle] the main fiber
    def self.to(life)
      return yield unless ::Thread.current == ::Thread.main

      begin
        install(life)
        yield
      ensure
        restore
      end
    end

    def self.own
      Scheduler::SignalHandlers.own
    end
    private_class_method :own

    def self.install(life)
      NAMES.each do |name|
        handler = proc { deliver(life, name) }
        previous = ::Signal.trap(name, handler)
        if previous == 'DEFAULT'
          own[handler] = name
        else
          ::Signal.trap(name, previous)
        end
      end
    end
    private_class_method :install

    def self.restore
      own.each do |handler, name|
        current = ::Signal.trap(name, 'DEFAULT')
        ::Signal.trap(name, current) unless current.equal?(handler)
      end
      own.clear
    end
    private_class_method :restore

    # At once if main runs, or if an earlier one still waits for a fiber that does not wait.
    def self.deliver(life, name)
      error = name == 'INT' ? ::Interrupt.new('') : ::SignalException.new("SIG#{name}")
      raise error if life.current? || life.dead? || life.task.interrupted?

      life.interrupt(error)
    end
    private_class_method :deliver
  end
  private_constant :Signals
end
