# frozen_string_literal: true

module Polyphony
  class SQLite3
    # The prepared statements of a connection: the least recently used one goes when there are too many. Each is in
    # use once at a time. None is left to the garbage collector, which would close it in the midst of another's work.
    class Statements
      # @param raw [::SQLite3::Database]
      # @param limit [Integer]
      def initialize(raw, limit)
        @raw = raw
        @limit = limit
        @idle = {} # in the order of their last use
      end

      # @param sql [String]
      # @return [::SQLite3::Statement] to be given back
      # @raise [ArgumentError] for more than one statement, or none
      # @raise [::SQLite3::Exception]
      def take(sql)
        @idle.delete(sql) || prepare(sql)
      end

      # @param statement [::SQLite3::Statement]
      def give_back(sql, statement)
        statement.reset!
        statement.clear_bindings! if statement.bind_parameter_count.positive? # large values need not stay
        return statement.close if @idle.key?(sql)

        @idle[sql] = statement
        @idle.shift.last.close if @idle.size > @limit
      end

      # Closes them all.
      def clear
        @idle.each_value(&:close)
        @idle.clear
      end

      private

      def prepare(sql)
        statement = @raw.prepare(sql)
        rest = statement.remainder.to_s.gsub(/--.*$|;/, '').strip
        return statement if rest.empty?

        statement.close
        raise ::ArgumentError, "one statement at a time, or execute_script; here is a second: #{rest[0, 60].inspect}"
      end
    end
    private_constant :Statements
  end
end
