# frozen_string_literal: true

module Polyphony
  class Tree
    # Of many siblings that do the same the first are shown and the rest counted: ten thousand
    # connections that wait for their client are a line, and the one that waits for something else
    # stays visible.
    class Folding
      # @param nodes [Array<Node>] parents before their children
      # @param limit [Integer, nil] siblings of a kind that are shown; nil: all
      def initialize(nodes, limit)
        @limit = limit
        @kinds = {}
        # From the end, so that the children's kinds are known.
        nodes.reverse_each { |node| node.kind = kind_of(node) } if limit
      end

      # @param siblings [Array<Node>]
      # @return [Array] nodes to show, and instead of each group's rest [nil, how many, at which depth]
      def shown(siblings)
        return siblings.zip unless @limit && siblings.size > @limit

        siblings.group_by(&:kind).each_value.flat_map { |alike| first_of(alike) }
      end

      private

      def first_of(alike)
        first = alike.first(@limit).zip
        more = alike.size - first.size
        more.positive? ? first.push([nil, more, alike.first.depth]) : first
      end

      def kind_of(node)
        traits = [node.traits, node.children.map(&:kind).tally]
        @kinds[traits] ||= @kinds.size
      end
    end
  end
end
