# frozen_string_literal: true

module Polyphony
  class SQLite3
    # What Ruby's objects are to SQLite, which knows five types.
    module Values
      # Fine enough for all that is compared, and in an order that is time's.
      TIME = '%F %T.%6N'
      private_constant :TIME

      module_function

      # @param statement [::SQLite3::Statement]
      # @param binds [Array]
      # @param named [Hash{Symbol => Object}]
      # @raise [TypeError] for an object that SQLite cannot keep
      # @raise [ArgumentError] when there are too many, or too few: SQLite would take NULL
      # @raise [::SQLite3::RangeException] for a name that is not there
      def bind(statement, binds, named)
        wanted = statement.bind_parameter_count
        unless binds.size + named.size == wanted
          raise ::ArgumentError, "the statement takes #{wanted} values, not #{binds.size + named.size}"
        end

        binds.each_with_index { |value, index| statement.bind_param(index + 1, convert(value)) }
        named.each { |name, value| statement.bind_param(name, convert(value)) }
      end

      # @return [nil, Integer, Float, String]
      # @raise [TypeError]
      def convert(value)
        case value
        when ::String, ::Integer, ::Float, nil then value
        when true then 1
        when false then 0
        when ::Symbol then value.name
        when ::Time then value.getutc.strftime(TIME)
        else convert_other(value)
        end
      end

      def convert_other(value)
        return value.iso8601 if defined?(::Date) && value.instance_of?(::Date)
        return value.new_offset(0).strftime(TIME) if defined?(::DateTime) && value.is_a?(::DateTime)

        raise ::TypeError, "SQLite keeps nil, true, false, numbers, Strings, Symbols and times, not #{value.inspect}"
      end
    end
    private_constant :Values
  end
end
