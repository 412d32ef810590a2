# frozen_string_literal: true

module Polyphony
  # For what cannot wait: a tracer or a watchdog, called where a fiber is about to wait. What they
  # write is written in a blocking fiber, so that a lock or a full pipe stops the thread. @api private
  module Blocking
    # @return [Object] the block's value
    # @suspends no
    def self.call(&block)
      ::Fiber.new(blocking: true, &block).resume
    end
  end
  private_constant :Blocking
end
