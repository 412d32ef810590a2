# frozen_string_literal: true

module Polyphony
  # Keeps other threads out of a few lines that wait for nothing. Unlike a Mutex's own `lock` it is
  # no wait of the fiber: nothing interrupts it, so that it can stand in an `ensure`. @api private
  class Exclusion
    def initialize
      @mutex = ::Thread::Mutex.new
    end

    # Runs the block while no other thread is in one.
    #
    # @return [Object] the block's value
    # @raise [ThreadError] in a trap handler that interrupted such a block
    # @suspends no
    def synchronize
      enter unless @mutex.try_lock
      begin
        yield
      ensure
        @mutex.unlock
      end
    end

    private

    # Whoever is inside is running, but for Ruby's lock: let it have that.
    def enter
      if @mutex.owned?
        raise ::ThreadError, 'a trap handler interrupted a change of the same object: let a fiber do it ' \
                             '(send it a message, or set a Polyphony::Event)'
      end
      ::Thread.pass until @mutex.try_lock
    end
  end
  private_constant :Exclusion
end
