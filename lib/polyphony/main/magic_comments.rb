# frozen_string_literal: true

module Polyphony
  module Main
    # The lines of a script above its `require`, of which only the magic comments stay.
    class MagicComments
      COMMENT = /\A\s*(?:#|\z)/
      # These count wherever they stand; the others before the first statement only.
      PLACED = /\A\s*#.*\b(?:warn_indent|shareable_constant_value)\s*:/
      END_OF_LINE = /\r?\n?\z/
      private_constant :COMMENT, :PLACED, :END_OF_LINE

      # @param lines [Array<String>]
      def initialize(lines)
        @lines = lines
      end

      # @return [String] as many lines, all others blank
      # @suspends no
      def text
        @leading = true
        @quoted = false
        @lines.map { |line| keep?(line) ? line : line[END_OF_LINE] }.join
      end

      private

      def keep?(line)
        return false if quoted?(line)

        comment = line.match?(COMMENT)
        @leading &&= comment
        @leading || (comment && line.match?(PLACED))
      end

      # Between =begin and =end nothing counts, as comment or as code.
      def quoted?(line)
        @quoted ||= line.start_with?('=begin')
        was = @quoted
        @quoted = false if line.start_with?('=end')
        was
      end
    end
  end
end
