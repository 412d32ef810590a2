# frozen_string_literal: true

module Polyphony
  class Postgres
    # The statements that a connection has prepared, by their text. One that is used for the first time is not: much is
    # used once. Those not used for the longest time are dropped when there are too many. @api private
    class Statements
      # @return [Array<String>] names that the server still knows, of statements that were dropped here
      attr_reader :dropped

      # @param limit [Integer] 0: nothing is prepared
      def initialize(limit)
        @limit = limit
        @names = {}
        @dropped = []
        @number = 0
      end

      # @param sql [String]
      # @return [String, nil, false] its name; false: it was used before, so it should be prepared; nil: it is new, or
      #   nothing is to be prepared
      def look_up(sql)
        name = @names[sql]
        return remember(sql, false) if name.nil? && @limit.positive?

        refresh(sql, name) if name && @names.size >= @limit
        name
      end

      # @return [String] a name that is not in use
      def new_name = "polyphony_#{@number += 1}"

      # @param sql [String]
      # @param name [String] under which it is prepared now
      # @return [void]
      def add(sql, name) = remember(sql, name)

      # @param sql [String] whose statement the server does not take any more
      # @return [void]
      def forget(sql) = @names.delete(sql)&.then { |name| @dropped << name }

      # The server has none left.
      # @return [void]
      def clear
        @names.clear
        @dropped.clear
      end

      # @return [Integer]
      def size = @names.count { |_, name| name }

      private

      def remember(sql, name)
        @names.delete(sql)
        @names[sql.frozen? ? sql : sql.dup.freeze] = name
        @names.shift.last.then { |old| @dropped << old if old } if @names.size > @limit
        nil
      end

      def refresh(sql, name)
        @names.delete(sql)
        @names[sql] = name
      end
    end
    private_constant :Statements
  end
end
