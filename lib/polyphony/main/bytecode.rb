# frozen_string_literal: true

module Polyphony
  module Main
    # A few questions about a piece of code at top level, answered from what Ruby compiles it to: that
    # needs no parser to be loaded, and is exact.
    class Bytecode
      # Places in what RubyVM::InstructionSequence#to_a gives.
      TYPE = 9
      LOCALS = 10
      CATCH_TABLE = 12
      # A local's number counts down from the end of the table, behind three words of the frame.
      FRAME_WORDS = 3
      # Bits of a call: without a receiver, without arguments and parentheses.
      FCALL = 4
      VARIABLE = /\A[[:lower:]_[^[:ascii:]]][[:alnum:]_[^[:ascii:]]]*\z/
      SCOPES = %i[method class top main].freeze
      private_constant :TYPE, :LOCALS, :CATCH_TABLE, :FRAME_WORDS, :FCALL, :VARIABLE, :SCOPES

      # @param code [RubyVM::InstructionSequence]
      def initialize(code)
        @code = code.to_a
      end

      # @return [Array<Symbol>] the local variables of the top level
      # @suspends no
      def locals
        @code[LOCALS].select { |name| name.is_a?(Symbol) && VARIABLE.match?(name) }
      end

      # @return [Hash{Symbol=>Boolean}] those of them that blocks use, and whether blocks assign to them
      # @suspends no
      def captured
        found = {}
        each_instruction do |(name, *operands), depth, block|
          access, level = name.to_s.match(/\A([gs])etlocal(?:_WC_(\d))?\z/)&.captures
          next unless access && block && depth == (level || operands[1]).to_i

          variable = @code[LOCALS][@code[LOCALS].size + FRAME_WORDS - 1 - operands[0]]
          found[variable] ||= access == 's'
        end
        found.slice(*locals)
      end

      # @param names [Array<Symbol>]
      # @return [Array<Array(Symbol, Integer)>] calls of these, without a receiver, at the top level; and
      #   their lines. `public` only where it has no argument
      # @suspends no
      def calls(*names)
        line = nil
        @code.last.filter_map do |instruction|
          line = instruction if instruction.is_a?(Integer)
          call = call_of(instruction)
          [call[:mid], line] if call && names.include?(call[:mid]) && (call[:mid] == :using || call[:orig_argc].zero?)
        end
      end

      # @return [Array<Symbol>] methods called without a receiver, in blocks too
      # @suspends no
      def names_called
        found = []
        each_instruction { |instruction, *| found << call_of(instruction)&.fetch(:mid) }
        found.compact.uniq
      end

      # @return [Boolean] whether the script may `return` before its end
      # @suspends no
      def returns?
        leaves = 0
        each_instruction do |(name, *), depth, block|
          leaves += 1 if (name == :leave && depth.zero?) || (name == :throw && !block)
        end
        leaves > 1
      end

      private

      def call_of(instruction)
        return unless instruction.is_a?(Array)

        instruction.find { |operand| operand.is_a?(Hash) && operand[:mid] && operand[:flag].to_i.anybits?(FCALL) }
      end

      # Yields every instruction but those of methods and classes, with how deep it is nested, and
      # whether in a block.
      def each_instruction(code = @code, depth = 0, block: false, &visit)
        code.last.each do |instruction|
          next unless instruction.is_a?(Array)

          visit.call(instruction, depth, block)
          nested(instruction).each { |child| enter(child, depth, block, &visit) }
        end
        code[CATCH_TABLE].each { |entry| nested(entry).each { |child| enter(child, depth, block, &visit) } }
      end

      def enter(child, depth, block, &visit)
        return if SCOPES.include?(child[TYPE])

        each_instruction(child, depth + 1, block: block || child[TYPE] == :block, &visit)
      end

      def nested(values)
        values.select { |value| value.is_a?(Array) && value.first.to_s.start_with?('YARV') }
      end
    end
  end
end
