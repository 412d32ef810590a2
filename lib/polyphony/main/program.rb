# frozen_string_literal: true

module Polyphony
  module Main
    # Compiled code that runs as a main script does: at top level, `self` is main.
    class Program
      # @return [String] its `__FILE__`
      attr_reader :path

      # @param code [String]
      # @param path [String] its `__FILE__`
      # @param real_path [String, nil] from which `__dir__` and `require_relative` start
      # @param warnings [Boolean] false for what Ruby has compiled, and warned of, before
      # @return [RubyVM::InstructionSequence]
      # @raise [SyntaxError]
      # @suspends no
      def self.compile(code, path, real_path, warnings: false)
        verbose = $VERBOSE
        $VERBOSE = nil unless warnings
        keeping_lines do
          RubyVM::InstructionSequence.compile(code.dup.force_encoding(Encoding::UTF_8), path, real_path, 1)
        end
      ensure
        $VERBOSE = verbose
      end

      # error_highlight finds the place in what was compiled, which differs from what is in the file.
      def self.keeping_lines
        keep = RubyVM.keep_script_lines
        RubyVM.keep_script_lines = true
        yield
      ensure
        RubyVM.keep_script_lines = keep
      end

      # @param code [RubyVM::InstructionSequence]
      # @param path [String]
      def initialize(code, path)
        @code = code
        @path = path
      end

      # @return [Object] the value of the last statement
      # @suspends when the code does
      def call
        @code.eval
      end
    end

    # Code that shares its local variables with closures made before it, or with TOPLEVEL_BINDING. It is
    # a plain `eval`, which is less like a main script than Program: {Prefix} knows when it is like enough.
    class SharingProgram
      # @return [String] its `__FILE__`
      attr_reader :path

      # @param code [String]
      # @param location [Caller::Location]
      def initialize(code, location)
        @code = code.dup.force_encoding(Encoding::UTF_8)
        @binding = location.binding
        @path = location.path
      end

      # @return [Object] the value of the last statement
      # @suspends when the code does
      def call
        verbose = $VERBOSE
        SharingProgram.verbose = verbose
        $VERBOSE = nil
        @binding.eval(@code, @path, 1)
      end

      class << self
        # The first thing the code does, once it has been parsed in silence.
        attr_accessor :verbose
      end
    end
  end
end
