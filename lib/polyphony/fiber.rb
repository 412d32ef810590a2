# frozen_string_literal: true

module Polyphony
  # A fiber made by `spin`: a unit of concurrent work with a parent, children, a result and a
  # mailbox. The methods are in {FiberMethods}.
  class Fiber < ::Fiber
    include FiberMethods

    private_class_method :new

    class << self
      # @see Polyphony.spin
      # @api private
      def spin(tag, block, site = nil, parent = Lifecycle.current)
        life = Lifecycle.new(tag, parent, block)
        life.site = site if site
        fiber = new(life)
        life.start(fiber)
        parent.adopt(life)
        fiber
      end

      # @see Polyphony::Scope#spin
      # @api private
      def spin_into(scope, tag, block)
        life = Lifecycle.new(tag, scope.host, block)
        life.home = scope
        fiber = new(life)
        life.start(fiber)
        scope.adopt(life)
        fiber
      end

      # Waits for all of them.
      #
      # @param fibers [Array<Polyphony::Fiber>]
      # @return [Array<Object>] their results, in the order of the arguments
      # @raise [Exception] the first error; the others are stopped and waited for before
      # @suspends until all have ended
      def await(*fibers)
        Group.new(fibers).await
      end

      # Waits for the first to end.
      #
      # @param fibers [Array<Polyphony::Fiber>]
      # @param stop_others [Boolean] stop those that lose; else they go on
      # @return [Array(Polyphony::Fiber, Object), nil] the fiber and its result; nil for no fibers
      # @raise [Exception] what the first one failed with
      # @suspends until one has ended
      def select(*fibers, stop_others: false)
        Group.new(fibers).select(stop_others)
      end
    end

    # @param life [Lifecycle]
    # @api private
    def initialize(life)
      @life = life
      super(blocking: false) { Scheduler.body(life) }
    end

    # Ruby's own ways to switch fibers by hand are the scheduler's here.
    %i[resume transfer kill].each do |name|
      # @raise [Polyphony::Error] always
      define_method(name) do |*|
        ::Kernel.raise(Error, "#{name} is not for fibers of spin, which the scheduler runs: see await, stop, raise")
      end
    end
  end
end
