# frozen_string_literal: true

require_relative 'cancel_scope/expired'

module Polyphony
  # A block that can be cut short, by its time limit or by hand. {Polyphony.move_on_after} and
  # {Polyphony.cancel_after} make one and yield it, or take one that was made before:
  #
  #   scope = Polyphony::CancelScope.new
  #   button.on_click { scope.cancel }
  #   move_on_after(scope, with_value: :cancelled) { long_work }
  #
  # A scope is for one run of a block, in one fiber. `cancel` may come from any fiber of any thread, before
  # the run and after it; `reset` and `extend`, which move the limit, are for fibers of the scope's own
  # thread. These and `run`, `cancelled?`, `running?` and `remaining` are in C (ext/scheduler/scope.c).
  class CancelScope
    # Whether the block was cut. A scope that is {#cancelled?} need not have cut anything: what does not
    # wait any more, or has just completed, keeps its value.
    #
    # @return [Boolean]
    # @suspends no
    def cut?
      @cut || false
    end

    # Runs the block until its end, or until it is cut: see {#cut?}.
    #
    # @param seconds [Numeric, nil]
    # @return [Object, Expired] its value; if it was cut, what cut it
    # @suspends as its block does
    # @api private
    def catch_expired(seconds, &block)
      begin
        return run(seconds, &block)
      rescue Expired => e
        raise unless e.scope.equal?(self)
      end
      displaced = e.displaced($!) # what was on its way before: asked here, as looking for it takes a walk up the stack
      raise(displaced, cause: displaced.cause) if displaced

      @cut = true
      e
    end

    # @return [String]
    def inspect
      left = remaining
      state = if cut? then 'cut'
              elsif cancelled? then 'cancelled'
              else left && "#{left.round(3)} s left"
              end
      "#<#{[self.class, state].compact.join(' ')}>"
    end
  end

  # Runs the block for at most +seconds+; when they are over, goes on after it without an error.
  # Only waits are cut, and only once: a block that computes until its end returns its value, however
  # late, and so does one that goes on after a `rescue Exception`; its `ensure` may wait. An operation that
  # had completed when the time ran out keeps its value.
  #
  # @param seconds [Numeric, nil, CancelScope] nil: no limit until the scope's `reset`; a scope made
  #   before: neither
  # @param with_value [Object] what a block that was cut gives
  # @yieldparam scope [Polyphony::CancelScope]
  # @return [Object] the block's value, or +with_value+
  # @raise [TypeError, ArgumentError] for what is no number of seconds
  # @suspends as its block does
  def self.move_on_after(seconds, with_value: nil, &block)
    raise ::ArgumentError, 'a block is required' unless block_given?

    scope = scope_for(seconds)
    value = scope.catch_expired((seconds unless scope.equal?(seconds)), &block)
    scope.cut? ? with_value : value
  end

  # Runs the block for at most +seconds+; when they are over, raises. Else as {move_on_after}.
  #
  # @param seconds [Numeric, nil, CancelScope] nil: no limit until the scope's `reset`; a scope made
  #   before: neither
  # @param with_exception [Class, Exception, Array, String, Proc] what to raise: a class, an exception, an
  #   Array of a class and what its `new` takes, the message of a RuntimeError, or a block that makes
  #   the exception when it is needed
  # @yieldparam scope [Polyphony::CancelScope]
  # @return [Object] the block's value
  # @raise [Polyphony::Cancel] or what +with_exception+ says, when the time is over; its backtrace is that
  #   of the wait which was cut
  # @raise [TypeError, ArgumentError] for what is no number of seconds, or no exception; for a class that
  #   cannot be made without arguments
  # @suspends as its block does
  def self.cancel_after(seconds, with_exception: Cancel, &block)
    raise ::ArgumentError, 'a block is required' unless block_given?

    CancelScope::Expired.check_replacement(with_exception)
    scope = scope_for(seconds)
    value = scope.catch_expired((seconds unless scope.equal?(seconds)), &block)
    scope.cut? ? raise(value.replacement(with_exception), cause: nil) : value
  end

  # Holds back `stop`, `cancel`, `raise` and time limits that were set outside it, until the end of the
  # block: they come at the first wait after it. A time limit that is set inside cuts as ever, which is how to
  # bound a clean-up that must not be interrupted:
  #
  #   Polyphony.shield { move_on_after(5) { connection.close } }
  #
  # @return [Object] the block's value
  # @raise [ArgumentError] without a block
  # @suspends as its block does
  def self.shield(&block)
    raise ::ArgumentError, 'a block is required' unless block

    Lifecycle.current.task.shield(&block)
  end

  def self.scope_for(seconds)
    Scheduler.install
    return seconds if seconds.is_a?(CancelScope)

    duration(seconds) unless seconds.nil?
    CancelScope.new
  end
  private_class_method :scope_for
end
