# frozen_string_literal: true

require_relative 'supervisor/child'
require_relative 'supervisor/intensity'
require_relative 'supervisor/backoff'
require_relative 'supervisor/policy'
require_relative 'supervisor/group_restart'
require_relative 'supervisor/shutdown'

module Polyphony
  # What `supervise` does: it is told of the end of each run of the fibers it is responsible for, and
  # decides what comes next. It works in the fiber that called `supervise`; restarts wait in the fibers
  # that are restarted, so none holds up another.
  #
  # @api private: programs use {Polyphony.supervise}.
  class Supervisor
    include GroupRestart
    include Shutdown

    # @return [Policy]
    attr_reader :policy

    # @param owner [Lifecycle] the fiber that supervises
    # @param policy [Hash] options of `supervise`
    # @param callback [Proc, nil]
    # @raise [ArgumentError, TypeError]
    def initialize(owner, policy, callback)
      @owner = owner
      @policy = Policy.new(**policy)
      @callback = callback
      @children = {}.compare_by_identity
      @events = []
    end

    # @param lives [Array<Lifecycle>] whom to supervise; empty: all children of the owner
    # @suspends until all have ended for good
    def run(lives)
      unwinding = Lifecycle::Unwinding.new(@owner)
      enlist(lives)
      Scheduler.checkpoint
      until done?
        @events.empty? ? wait : handle(*@events.shift)
      end
    rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised at the end
      unwinding.add(e)
    ensure
      shut_down(unwinding)
    end

    # Called by a child, on its own thread.
    def notify(*event)
      @events.push(event)
      @owner.wake
    end

    # Takes in a fiber that was spun meanwhile.
    def add(life)
      return if life.supervision

      @children[life] = life.supervision = Child.new(life, self)
      life.stop_soon if @closing
    end

    # @return [String]
    def inspect
      "#<#{self.class} of #{@owner.inspect}, fibers=#{@children.size}>"
    end

    private

    def enlist(lives)
      return lives.each { |life| check(life) }.each { |life| add(life) } unless lives.empty?
      raise Error, 'this fiber supervises its children already' if @owner.supervisor

      @owner.supervisor = self
      @owner.children_to_supervise.each { |life| add(life) }
    end

    def check(life)
      life.refuse_circle(@owner)
      raise Error, "#{life.fiber.inspect} is supervised already" if life.supervision
      return if !@policy.restarts? || life.restartable?

      raise Error, "#{life.fiber.inspect} was not started by spin: there is no block to run again"
    end

    def done?
      @children.empty? && @events.empty?
    end

    def wait
      @pending ? wait_for_group : Scheduler.park(:supervise)
    end

    # @param outcome [Array(Exception, Object)] of a run; nothing when only the fiber ended
    def handle(child, *outcome)
      error, result = outcome
      @callback&.call(child.fiber, error || result) unless outcome.empty?
      case child.state
      when :ended, :over then decide(child, error, result)
      when :gone then forget(child)
      else answer(child, error) # held, or restarted by somebody else
      end
    end

    def decide(child, error, result)
      if !@policy.restart?(child.fiber, error, result)
        child.state == :over ? forget(child) : child.finish
        escalate(child.life, error) if error && !@policy.temporary?
      elsif child.state == :over
        revive(child, error)
      elsif child.state == :ended
        restart(child, error)
      else
        answer(child, error) # somebody has stopped it meanwhile
      end
    end

    def revive(child, error)
      life = child.life
      if life.elsewhere?
        raise Error, "#{life.fiber.inspect} has ended on another thread, and can be restarted only there: " \
                     'supervise it before it ends'
      end
      give_up(life, error) if @policy.intensity.exceeded?
      answer(child, error)
      child.revive
    end

    def forget(child)
      life = child.life
      @children.delete(life)
      life.supervision = nil
      error = life.error
      return if error.nil? || child.answered.equal?(error)

      @policy.temporary? ? report(life, error) : escalate(life, error)
    end

    def answer(child, error)
      child.answered = error
      report(child.life, error) if error
    end

    def restart(child, error)
      give_up(child.life, error) if @policy.intensity.exceeded?
      answer(child, error)
      delay = @policy.delay(child)
      members = group_of(child)
      members.size == 1 ? restart_one(child, delay) : restart_group(child, members, delay)
    end

    def restart_one(child, delay)
      child.release(delay.positive? ? Polyphony.now + delay : nil)
    end

    # @raise [Exception] +error+
    def escalate(life, error)
      @raised = life
      raise error, cause: error.cause
    end

    # @raise [Polyphony::RestartLimit]
    def give_up(life, error)
      @raised = life
      raise RestartLimit.for(life.fiber, error, @policy.intensity), cause: error
    end

    # Without a block nobody else would know.
    def report(life, error)
      return if @callback

      warn("polyphony: supervised #{life.fiber.inspect} failed: #{error.full_message(highlight: false)}")
    end
  end
end
