# frozen_string_literal: true

require_relative 'supervisor/child'
require_relative 'supervisor/intensity'
require_relative 'supervisor/backoff'
require_relative 'supervisor/policy'
require_relative 'supervisor/decisions'
require_relative 'supervisor/group_restart'
require_relative 'supervisor/shutdown'

module Polyphony
  # What `supervise` does: it is told of the end of each run of the fibers it is responsible for, and
  # decides what comes next. It works in the fiber that called `supervise`; restarts wait in the fibers
  # that are restarted, so none holds up another.
  #
  # @api private: programs use {Polyphony.supervise}.
  class Supervisor
    include Decisions
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
    #
    # @param event [Array] the child, what has happened, and how the run ended
    def notify(*event)
      @events.push(event)
      wake
    end

    # A child has something to tell, or the supervisor waits for it.
    def wake
      @owner.wake
    end

    # Takes in a fiber that was spun meanwhile.
    def add(life)
      return if life.supervision

      @children[life] = life.supervision = Child.new(life, self)
      life.stop_soon if @closing
    end

    # @return [Boolean] whether it ends, and whom it supervises with it
    def closing? = @closing

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
      @children.empty? && @events.empty? && !@policy.forever?
    end

    def wait
      @pending ? wait_for_group : Scheduler.park(:supervise)
    end
  end
end
