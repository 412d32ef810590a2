# frozen_string_literal: true

module Polyphony
  class Tree
    # The lines: depth as spaces, what it does, where it was spun.
    class Layout
      # @param width [Integer, nil] columns
      def initialize(width)
        @width = width
      end

      # @return [String] a node's line, or lines
      def node(node)
        line(node.depth, node.summary, node.location)
      end

      # @param depth [Integer]
      # @param count [Integer] fibers that are not shown
      # @return [String]
      def more(depth, count)
        line(depth, "… #{Words.count(count)} more like this")
      end

      # @return [String] what belongs to the node above
      def detail(depth, text)
        line(depth + 2, text)
      end

      # @param parts [Array<String>]
      # @return [String] a line, or lines where that is too long
      def line(depth, *parts)
        indent = '  ' * depth
        return "#{indent}#{parts.join('  ')}" unless @width

        indent = indent[0, @width / 3]
        first, *rest = wrap(parts.join(' ').split, @width - indent.size)
        ["#{indent}#{first}", *rest.map { |text| "#{indent}  #{text}" }].join("\n")
      end

      private

      # A word that is longer than a line stays whole: so paths can be copied.
      def wrap(words, room)
        words.each_with_object([+'']) do |word, lines|
          left = room - lines.last.size - (lines.size > 1 ? 2 : 0)
          if lines.last.empty?
            lines.last << word
          elsif left > word.size
            lines.last << ' ' << word
          else
            lines << +word
          end
        end
      end
    end
  end
end
