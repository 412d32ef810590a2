# frozen_string_literal: true

require 'ripper'

module Polyphony
  module Main
    # Takes the BEGIN blocks out of a script. Loaded only for scripts that have the word.
    module BeginBlocks
      OPENING = %i[on_lbrace on_embexpr_beg on_tlambeg].freeze
      CLOSING = %i[on_rbrace on_embexpr_end].freeze
      private_constant :OPENING, :CLOSING

      # @param code [String] binary
      # @return [Array(String, Array<String>)] the code with the blocks blanked, and the blocks
      # @suspends no
      def self.take(code)
        tokens = Ripper.lex(code.dup.force_encoding(Encoding::UTF_8)).map { |_, kind, text| [kind, text.b] }
        blocks = []
        kept = +''.b
        until tokens.empty?
          size = begins?(tokens) ? size_of_block(tokens) : 0
          blocks << tokens.shift(size).map(&:last).join if size.positive?
          kept << (size.positive? ? blocks.last.gsub(/[^\r\n]/n, ' ') : tokens.shift.last)
        end
        # After __END__ there are no tokens.
        [kept + code.byteslice(kept.bytesize..), blocks]
      end

      def self.begins?(tokens)
        tokens.first == [:on_kw, 'BEGIN']
      end
      private_class_method :begins?

      def self.size_of_block(tokens)
        depth = 0
        tokens.each_with_index do |(kind, _), index|
          depth += 1 if OPENING.include?(kind)
          depth -= 1 if CLOSING.include?(kind)
          return index + 1 if depth.zero? && CLOSING.include?(kind)
        end
        0
      end
      private_class_method :size_of_block
    end
  end
end
