# frozen_string_literal: true

require_relative 'magic_comments'

module Polyphony
  module Main
    # The text of the main script, cut in two at its `require 'polyphony'`.
    #
    # Bytes, not characters: positions are the compiler's, and the encoding is named in a magic comment.
    class Script
      REQUIRE = %r{\brequire(?:_relative)?[ \t]*\(?[ \t]*
                   (["'])(?:[^"'\#]*/)?polyphony(?:\.rb)?\1[ \t]*\)?[ \t]*(?=;|\#|\r?$)}x
      # A statement can end here: nothing is on the line, or a semicolon; and the line before does not go on.
      STATEMENT = /(?:\A|;|\n)[ \t]*\z/
      CONTINUED = /(?:\\\r?\n|\.\.\s*\n)[ \t]*\z/
      BYTE_ORDER_MARK = "\xEF\xBB\xBF".b.freeze
      private_constant :REQUIRE, :STATEMENT, :CONTINUED, :BYTE_ORDER_MARK

      # @return [Caller::Location]
      attr_reader :location
      # @return [String] the code up to the `require`
      attr_reader :head
      # @return [String] the code after it, lines and columns in place
      attr_reader :tail

      # @param location [Caller::Location] where the `require` is
      # @return [Script, nil] nil if it is no statement of its own at the top level
      # @suspends no
      def self.read(location)
        lines = File.binread(location.real_path).delete_prefix(BYTE_ORDER_MARK).lines
        line = lines.fetch(location.line - 1, '')
        start = 0
        while (match = REQUIRE.match(line, start))
          script = new(location, lines, match)
          return script if script.whole?

          start = match.end(0)
        end
      end

      # @param lines [Array<String>] binary
      # @param match [MatchData] the `require` in its line
      def initialize(location, lines, match)
        @location = location
        above = lines.first(location.line - 1)
        @head = above.join + match.pre_match
        @tail = MagicComments.new(above).text + (' ' * match.end(0)) + match.post_match + lines.drop(location.line).join
      end

      # @return [Boolean] whether head and tail are each a program
      # @suspends no
      def whole?
        head.match?(STATEMENT) && !head.match?(CONTINUED) && compile(head) && compiled_tail && true
      rescue SyntaxError
        false
      end

      # @return [#call, String] what is to be run, or why that would not be the same program
      # @suspends no
      def program
        begins = take_begin_blocks
        Prefix.new(self, [head, *begins].join("\n")).program
      end

      # Puts a statement where the head was.
      #
      # @param code [String]
      # @param line [Integer] counted from 1; where it is taken, the line of the `require`
      def insert(code, line)
        lines = tail.lines
        at = line.positive? && lines[line - 1].match?(/\A\r?\n\z/) ? line - 1 : location.line - 1
        lines[at] = lines[at].sub(/\A[ ]*/) { |spaces| "#{code};".b.ljust(spaces.size) }
        @tail = lines.join
        @compiled_tail = nil
      end

      # @return [RubyVM::InstructionSequence]
      # @raise [SyntaxError]
      # @suspends no
      def compiled_tail
        @compiled_tail ||= compile(tail)
      end

      # @param code [String]
      # @return [RubyVM::InstructionSequence]
      # @raise [SyntaxError]
      # @suspends no
      def compile(code)
        Program.compile(code, location.path, location.real_path)
      end

      private

      # Ruby runs BEGIN blocks before all else, wherever they stand: those after the `require` have run.
      def take_begin_blocks
        return [] unless tail.match?(/\bBEGIN\s*\{/)

        require_relative 'begin_blocks'
        @tail, blocks = BeginBlocks.take(tail)
        @compiled_tail = nil
        blocks
      end
    end
  end
end
