# frozen_string_literal: true

module Polyphony
  # A thread whose block is non-blocking from the start: fibers, messages and Ruby's blocking methods
  # work in it as in an adopted main script.
  class Thread < ::Thread
    # @yield in the thread's main fiber
    # @raise [ThreadError] without a block
    def initialize(*arguments, &block)
      raise ::ThreadError, 'must be called with a block' unless block

      super() { Polyphony.run { block.call(*arguments) } }
    end
  end

  # @return [Polyphony::Thread]
  # @suspends no
  def self.thread(*arguments, &block)
    Thread.new(*arguments, &block)
  end

  # @return [Polyphony::Backend]
  # @suspends no
  def self.backend
    @backend ||= Backend.new
  end
end
