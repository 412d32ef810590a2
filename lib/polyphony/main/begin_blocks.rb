# frozen_string_literal: true

require 'ripper'

module Polyphony
  module Main
    # Takes the BEGIN blocks out of a script. Loaded only for scripts that have the word.
    module BeginBlocks
      OPENING = %i[on_lbrace on_embexpr_beg on_tlambeg].freeze
      CLOSING = %i[on_rbrace on_embexpr_end].freeze
      BEGIN_WORD = [:on_kw, 'BEGIN'].freeze
      private_constant :OPENING, :CLOSING, :BEGIN_WORD

      # @param code [String] binary
      # @return [Array(String, Array<String>)] the code with the blocks blanked, and the blocks
      # @suspends no
      def self.take(code)
        tokens = Ripper.lex(code.dup.force_encoding(Encoding::UTF_8)).map { |_, kind, text| [kind, text.b] }
        blocks = []
        kept = +''.b
        while (token = tokens.first)
          kept << (token == BEGIN_WORD ? blank(blocks << take_block(tokens)) : tokens.shift.last)
        end
        # After __END__ there are no tokens.
        [kept + code.byteslice(kept.bytesize..), blocks]
      end

      def self.blank(blocks)
        blocks.last.gsub(/[^\r\n]/n, ' ')
      end
      private_class_method :blank

      def self.take_block(tokens)
        depth = 0
        size = tokens.index do |kind, _|
          depth += 1 if OPENING.include?(kind)
          depth -= 1 if CLOSING.include?(kind)
          depth.zero? && CLOSING.include?(kind)
        end
        tokens.shift(size + 1).map(&:last).join
      end
      private_class_method :take_block
    end
  end
end
