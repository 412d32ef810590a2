# frozen_string_literal: true

module Polyphony
  class Postgres
    # The form in which rows are given. @api private
    class Form
      # @param kind [Symbol] one of Options::FORMS
      # @param types [PG::TypeMap, nil] nil: all values are Strings
      def initialize(kind, types)
        @kind = Options.form(kind)
        @types = types
      end

      # @param result [PG::Result]
      # @return [PG::Result, Array<Hash>, Array<Array>]
      def of(result)
        return rows(result) unless @kind == :result

        result.type_map = @types if @types
        result
      end

      # @param result [PG::Result] cleared after it: its memory is libpq's, and goes at once then, not with the next
      #   garbage collection
      # @return [Array<Hash>, Array<Array>]
      def rows(result)
        result.type_map = @types if @types
        result.field_name_type = :symbol if @kind == :symbols
        rows = @kind == :values ? result.values : result.to_a
        result.clear
        rows
      end
    end
    private_constant :Form

    # The forms of a database, and the server's types, which are asked for when they are first wanted. @api private
    class Forms
      # @return [PG::TypeMap, nil] the server's types, once they are known
      attr_reader :types

      # @param options [Options]
      def initialize(options)
        @options = options
        @plain = Options::FORMS.to_h { |kind| [kind, Form.new(kind, nil)] }
        @typed = {}
      end

      # @param kind [Symbol, nil]
      # @param typed [Boolean, nil]
      # @yieldreturn [PG::TypeMap] when they are not known
      # @return [Form]
      # @raise [ArgumentError]
      def form(kind, typed)
        kind ||= @options.results
        return @plain[kind] || Form.new(kind, nil) unless typed.nil? ? @options.types : typed

        @typed[kind] ||= Form.new(kind, @types ||= yield)
      end
    end
    private_constant :Forms
  end
end
