# frozen_string_literal: true

module Polyphony
  module Main
    # `Thread#[]` is local to the fiber: what the script has set before must be there in the main fiber, and
    # what that sets in the at_exit handlers. Names that begin with two underscores are Ruby's own.
    module FiberLocals
      # @return [Hash{Symbol=>Object}] those of the running fiber
      # @suspends no
      def self.get
        thread = ::Thread.current
        thread.keys.reject { |key| key.start_with?('__') }.to_h { |key| [key, thread[key]] }
      end

      # @param values [Hash{Symbol=>Object}] for the running fiber
      # @return [void]
      # @suspends no
      def self.set(values)
        values.each { |key, value| ::Thread.current[key] = value }
      end
    end
    private_constant :FiberLocals
  end
end
