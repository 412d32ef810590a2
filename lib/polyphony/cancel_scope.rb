# frozen_string_literal: true

module Polyphony
  # A block that can be cut short, by its time limit or by hand. Made by {Polyphony.move_on_after}
  # and {Polyphony.cancel_after}, which yield it; `run`, `reset`, `extend`, `cancel`, `cancelled?`
  # and `remaining` are in C (ext/scheduler/scope.c). A scope belongs to the fiber that runs it.
  class CancelScope
    # Raised in the block to end it. Only the scope it belongs to rescues it.
    class Expired < ::Exception # rubocop:disable Lint/InheritException -- `rescue => e` must not swallow it
      # @return [Polyphony::CancelScope]
      attr_reader :scope

      # @param scope [Polyphony::CancelScope]
      def initialize(scope)
        @scope = scope
        super('the time limit of a cancel scope ran out')
      end
    end

    # @return [String]
    def inspect
      left = remaining
      state = cancelled? ? 'cancelled' : left && "#{left.round(3)} s left"
      "#<#{[self.class, state].compact.join(' ')}>"
    end
  end

  # Runs the block for at most +seconds+; when they are over, goes on after it without an error.
  # Only waits are cut: a block that computes until its end returns its value, however late.
  #
  # @param seconds [Numeric, nil] nil: no limit until the scope's `reset`
  # @param with_value [Object] what a block that was cut gives
  # @yieldparam scope [Polyphony::CancelScope]
  # @return [Object] the block's value, or +with_value+
  # @raise [TypeError, ArgumentError] for what is no number of seconds
  # @suspends as its block does
  def self.move_on_after(seconds, with_value: nil, &block)
    scope = open_scope(seconds, block)
    scope.run(seconds, &block)
  rescue CancelScope::Expired => e
    raise unless e.scope.equal?(scope)

    with_value
  end

  # Runs the block for at most +seconds+; when they are over, raises.
  #
  # @param seconds [Numeric, nil] nil: no limit until the scope's `reset`
  # @param with_exception [Class, Exception, Array, String] what to raise: a class, an exception, a
  #   class and its arguments, or the message of a RuntimeError
  # @yieldparam scope [Polyphony::CancelScope]
  # @return [Object] the block's value
  # @raise [Polyphony::Cancel] or what +with_exception+ says, when the time is over
  # @suspends as its block does
  def self.cancel_after(seconds, with_exception: Cancel, &block)
    scope = open_scope(seconds, block)
    scope.run(seconds, &block)
  rescue CancelScope::Expired => e
    raise unless e.scope.equal?(scope)

    raise(*with_exception, cause: nil)
  end

  # Holds back `stop`, `cancel`, `raise` and time limits until the end of the block.
  #
  # @return [Object] the block's value
  # @suspends as its block does
  def self.shield(&block)
    raise ::ArgumentError, 'a block is required' unless block

    Lifecycle.current.task.shield(&block)
  end

  def self.open_scope(seconds, block)
    raise ::ArgumentError, 'a block is required' unless block

    duration(seconds) unless seconds.nil?
    Scheduler.install
    CancelScope.new
  end
  private_class_method :open_scope
end
