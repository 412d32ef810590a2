# frozen_string_literal: true

require_relative 'exclusion'
require_relative 'waiting'

module Polyphony
  # Fibers, of any threads, that wait for one thing in the order they came. Only the first in line
  # takes; whoever leaves, served or not, tells the next. @api private
  class WaitingLine
    # @param what [String] in a word, for `waiting_on`
    # @param owner [Object] what is waited for
    # @yieldreturn [Boolean] whether the first in line could take; without a block it is always woken to look
    def initialize(what, owner, &more)
      @reason = Reason.new(what, owner)
      @more = more
      @lives = {}.compare_by_identity # an ordered set: who leaves from the middle costs nothing
      @exclusion = Exclusion.new
      @pid = ::Process.pid
    end

    # @return [Integer] fibers in line
    def size
      @lives.size
    end

    # Runs the block alone, as {#take} runs its own.
    # @suspends no
    def synchronize(&block)
      @exclusion.synchronize(&block)
    end

    # Waits until the caller is first in line and the block, which runs alone and must not wait, gives
    # something.
    #
    # @param timeout [Numeric, nil] seconds
    # @param pause [#call, nil] gives the seconds after which the first in line is to look again unasked
    # @return [Object, nil] what the block gave; nil when the time was over
    # @suspends until then; always a point where the fiber can be stopped
    def take(timeout, pause = nil)
      deadline = Waiting.deadline(timeout)
      life = Lifecycle.current
      Scheduler.checkpoint
      taken = @exclusion.synchronize { @lives.empty? && yield }
      taken || stand_in_line(life, deadline, pause) { yield }
    end

    # Waits until the block is true, whoever else waits. It runs alone, and must not wait.
    #
    # @param timeout [Numeric, nil] seconds
    # @return [Object, nil] what the block gave; nil when the time was over
    # @suspends until then; always a point where the fiber can be stopped
    def wait_until(timeout)
      deadline = Waiting.deadline(timeout)
      life = Lifecycle.current
      Scheduler.checkpoint
      enter(life)
      begin
        until (result = @exclusion.synchronize { yield })
          return unless wait(life, deadline, nil)
        end
        result
      ensure
        @lives.delete(life)
      end
    end

    # Has the first in line look again.
    # @suspends no
    def wake_first
      first&.wake
    end

    # Has all in line look again.
    # @suspends no
    def wake_all
      @lives.keys.each(&:wake)
    end

    private

    def stand_in_line(life, deadline, pause)
      enter(life)
      begin
        until (taken = @exclusion.synchronize { first.equal?(life) && yield })
          return unless wait(life, deadline, pause)
        end
        taken
      ensure
        leave(life)
      end
    end

    def enter(life)
      @lives[life] = true
    end

    def leave(life)
      @lives.delete(life)
      wake_first if @more.nil? || @more.call
    end

    def first
      @lives.first&.first unless @lives.empty?
    end

    # @return [Boolean] false when the time is over
    def wait(life, deadline, pause)
      return true if left_by_fork?(life)

      left = deadline ? deadline - Polyphony.now : ::Float::INFINITY
      return false unless left.positive?

      left = [left, pause.call].min if pause && first.equal?(life)
      Scheduler.park(@reason, left)
      enter(life) # a trap handler that waited here, in this fiber, has taken it off
      true
    end

    # A forked child has none of the fibers that waited.
    def left_by_fork?(life)
      return false if @pid == ::Process.pid

      @pid = ::Process.pid
      @lives.clear
      enter(life)
      true
    end
  end
  private_constant :WaitingLine
end
