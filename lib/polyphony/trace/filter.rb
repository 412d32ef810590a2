# frozen_string_literal: true

module Polyphony
  class Trace
    # Which events somebody wants to see.
    class Filter
      # @param names [Symbol, Array<Symbol>, nil]
      # @param fibers [Object, Array, nil]
      # @raise [ArgumentError]
      def initialize(names, fibers)
        @names = names && Array(names)
        @fibers = fibers.nil? || fibers.is_a?(::Array) ? fibers : [fibers]
        unknown = (@names || []) - Event::NAMES
        return if unknown.empty?

        names = Event::NAMES.map(&:inspect).join(', ')
        raise ::ArgumentError, "no such event: #{unknown.first.inspect}; there are #{names}"
      end

      # @param name [Symbol]
      # @param task [Scheduler::Task, nil]
      # @return [Boolean]
      # @suspends no
      def pass?(name, task)
        (@names.nil? || @names.include?(name)) && (@fibers.nil? || wanted?(task))
      end

      private

      def wanted?(task)
        fiber = Event.fiber_of(task)
        return false if fiber.nil?

        tag = fiber.tag if fiber.is_a?(FiberMethods)
        @fibers.any? { |one| one.equal?(fiber) || (!tag.nil? && !one.is_a?(::Fiber) && one === tag) } # rubocop:disable Style/CaseEquality
      end
    end
    private_constant :Filter
  end
end
