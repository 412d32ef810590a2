# frozen_string_literal: true

module Polyphony
  class Tree
    # The nodes of one scheduler: the root fiber's, and those of fibers without a parent, which
    # Fiber.schedule started.
    class Forest
      # @return [Array<Node>] parents before their children
      attr_reader :nodes
      # @return [Array<Node>]
      attr_reader :tops

      # @param scheduler [Scheduler]
      def initialize(scheduler)
        @nodes = []
        @tops = []
        # No recursion: a chain of fibers may be longer than a stack is deep.
        pending = tops_of(scheduler).reverse.map { |task| [@tops, 0, FiberNode, task] }
        while (siblings, depth, type, source = pending.pop)
          node = add(type, source, depth, siblings)
          node&.sources&.reverse_each { |below, from| pending.push([node.children, depth + 1, below, from]) }
        end
      end

      private

      def tops_of(scheduler)
        [scheduler.root, *scheduler.tasks.select { |task| task.handle.nil? || task.handle.parent.nil? }].uniq
      end

      # A fiber that ended meanwhile is left out.
      def add(type, source, depth, siblings)
        return if source.nil? || (type == FiberNode && source.state == :dead)

        node = type.new(source, depth)
        @nodes << node
        siblings << node
        node
      end
    end
  end
end
