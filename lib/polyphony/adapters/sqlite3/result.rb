# frozen_string_literal: true

module Polyphony
  class SQLite3
    # What a statement gave.
    class Result
      include ::Enumerable

      # @return [Array<String>] the columns' names
      attr_reader :columns
      # @return [Array<Array>] the rows, each an Array of its values
      attr_reader :rows
      # @return [Integer] rows that the statement has inserted, changed or deleted
      attr_reader :changes
      # @return [Integer] the id of the row that was inserted last on its connection
      attr_reader :last_insert_id

      # @api private
      def initialize(columns, rows, changes, last_insert_id)
        @columns = columns
        @rows = rows
        @changes = changes
        @last_insert_id = last_insert_id
      end

      # @yieldparam row [Hash{String => Object}]
      # @return [self, Enumerator]
      # @suspends no
      def each
        return enum_for(:each) { size } unless block_given?

        @rows.each { |row| yield @columns.zip(row).to_h }
        self
      end

      # @return [Integer] rows
      # @suspends no
      def size = @rows.size
      alias length size

      # @return [Boolean] whether there are none
      # @suspends no
      def empty? = @rows.empty?

      # @return [Object, nil] the first value of the first row
      # @suspends no
      def value = @rows.first&.first

      # @return [String]
      def inspect = "#<#{self.class} #{size} rows (#{columns.join(', ')}) changes=#{changes}>"
    end
  end
end
