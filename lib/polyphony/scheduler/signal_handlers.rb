# frozen_string_literal: true

module Polyphony
  class Scheduler
    # Whether the program has set a signal handler: one may wake a fiber, so a program that waits
    # for nothing else is no deadlock. Asked only when the program would otherwise be stuck for ever.
    module SignalHandlers
      # Those for which a program may have a handler.
      SIGNALS = %w[INT TERM HUP QUIT USR1 USR2 ALRM CHLD CONT WINCH TSTP].freeze

      @own = {}.compare_by_identity

      # Polyphony's own handlers only raise in the main fiber: they are none of the program's.
      #
      # @return [Hash{Proc => String}] handlers and their signals
      def self.own
        @own
      end

      # @return [Boolean]
      # @suspends no
      def self.any?
        SIGNALS.any? { |signal| handler?(signal) }
      end

      # Ruby tells the handler only in exchange for another. A signal that comes in between is
      # kept and sent again.
      def self.handler?(signal)
        came = false
        previous = ::Signal.trap(signal) { came = true }
        ::Signal.trap(signal, previous || 'SYSTEM_DEFAULT')
        ::Process.kill(signal, ::Process.pid) if came
        previous.is_a?(::Proc) && !@own.key?(previous)
      rescue ::ArgumentError
        false
      end
      private_class_method :handler?
    end
  end
end
