# frozen_string_literal: true

require_relative 'bytecode'

module Polyphony
  module Main
    # What the lines up to the `require` have done that the lines after it rely on: local variables,
    # refinements. Decides how the rest is to be run, or that it cannot be.
    class Prefix
      # `using Some::Module`, which can be said again; `using Module.new { … }` cannot.
      USING = /\A\s*using\s*\(?\s*[A-Z][\w:]*\s*\)?\s*(?:[;#].*)?$/
      # The rest, or closures of the head, look for variables where only a plain `eval` puts them.
      OUTSIDE = /\bTOPLEVEL_BINDING\b|\bERB\b.*\.result\b(?!\s*\(\s*[^\s)])/m
      RELATIVE = /\b(?:__dir__|require_relative)\b/
      # What makes an assignment of a name before it; in doubt it is one.
      ASSIGNED = %r{(?:,|(?:\|\||&&|\*\*|<<|>>|[-+*/%&|^])?=(?![=~>]))}
      private_constant :USING, :OUTSIDE, :RELATIVE, :ASSIGNED

      # @param script [Script]
      # @param code [String] what has run before the rest
      def initialize(script, code)
        @script = script
        @location = script.location
        @code = code
        @bytecode = Bytecode.new(script.compile(code))
      end

      # @return [Program, SharingProgram, String] the rest as a program; or why it would not be the same
      # @suspends no
      def program
        return changes if changes
        return sharing_program if (shared? || outside?) && like_eval?
        return "a block above the `require` uses the variable #{shared.first}: move the `require` up" if shared?

        hand_over
        Program.new(@script.compiled_tail, @location.path)
      end

      private

      # Statements that change how the rest is read. Repeats those it can.
      def changes
        return @changes if defined?(@changes)

        @changes = @bytecode.calls(:using, :public).filter_map do |name, line|
          text = @code.lines[line - 1].b
          if name == :using && text.match?(USING)
            @script.insert(text[/using[^;#\n]*/].strip, line)
            nil
          else
            "`#{text.strip}` above the `require` has an effect on what follows: move the `require` up"
          end
        end.first
      end

      # Variables that a block above the `require` goes on sharing with the code below.
      def shared
        @shared ||= @bytecode.captured.filter_map do |name, written|
          name if mentioned?(name) && (written || assigned?(name))
        end
      end

      def shared?
        shared.any? || (@location.binding && @bytecode.locals.any? && @code.match?(/\bbinding\b/))
      end

      def outside?
        @location.binding && @script.tail.match?(OUTSIDE)
      end

      def mentioned?(name)
        @script.tail.match?(/(?<![\w@$])#{Regexp.escape(name.to_s.b)}(?![\w?!])/n)
      end

      def assigned?(name)
        @script.tail.match?(/(?<![\w@$.])#{Regexp.escape(name.to_s.b)}\s*#{ASSIGNED}/n)
      end

      # `eval` takes the main script's later variables for known, cannot `return`, and knows no real path.
      def like_eval?
        return false unless @location.binding

        rest = Bytecode.new(@script.compiled_tail)
        later = @location.binding.local_variables - @bytecode.locals
        !rest.returns? && (rest.names_called & later).empty? &&
          (@location.path == @location.real_path || !@script.tail.match?(RELATIVE))
      end

      def sharing_program
        @script.insert('$VERBOSE=::Polyphony::Main::SharingProgram.verbose', @location.line - 1)
        SharingProgram.new(@script.tail, @location)
      end

      # The names become variables of the rest, with the values that they have now.
      def hand_over
        names = @bytecode.locals
        return if names.empty?

        Prefix.values = names.map { |name| @location.binding.local_variable_get(name) }
        variables = names.map { |name| name.to_s.b }.join(',')
        @script.insert("#{variables},=::Polyphony::Main::Prefix.values", @location.line - 1)
      end

      class << self
        # @return [Array] for the rest's first statement, once
        def values
          @values.tap { @values = nil }
        end

        attr_writer :values
      end
    end
  end
end
