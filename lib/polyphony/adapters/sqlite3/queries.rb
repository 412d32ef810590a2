# frozen_string_literal: true

module Polyphony
  class SQLite3
    # Single statements.
    module Queries
      # Reads. In a transaction of this fiber, on its connection; else on one of those that only read.
      #
      # @param sql [String] one statement
      # @param binds [Array] values for its `?`: nil, true, false, Integer, Float, String (BINARY ones as blobs),
      #   Symbol, Time and Date
      # @param named [Hash{Symbol => Object}] values for its `:name`
      # @return [Polyphony::SQLite3::Result]
      # @raise [Polyphony::SQLite3::ReadOnly] when the statement writes
      # @raise [::SQLite3::Exception] what SQLite says, in the gem's classes
      # @raise [Polyphony::TimeoutError] when no connection was free in time
      # @suspends until one is free, and each millisecond of its work
      def query(sql, *binds, **named)
        reading { |connection| connection.run(sql, binds, named) }
      end

      # Runs a statement that writes. By itself it is a transaction.
      #
      # @param sql [String] one statement
      # @param binds [Array] as of {#query}
      # @param named [Hash{Symbol => Object}]
      # @return [Polyphony::SQLite3::Result] with `changes`, `last_insert_id`, and the rows of a `returning`
      # @raise [Polyphony::SQLite3::ReadOnly] when the database was opened with `readonly:`, or in a {#snapshot}
      # @raise [::SQLite3::Exception] what SQLite says; `::SQLite3::BusyException` after busy_timeout
      # @raise [Polyphony::TimeoutError] when the connection was not free in time
      # @suspends until it is free, and each millisecond of its work
      def execute(sql, *binds, **named)
        writing { |connection| connection.run(sql, binds, named) }
      end

      # Runs any number of statements, separated by `;`: a schema. Each is a transaction, unless it says otherwise.
      #
      # @param sql [String]
      # @return [self]
      # @raise [::SQLite3::Exception, Polyphony::SQLite3::ReadOnly, Polyphony::TimeoutError] as {#execute}
      # @suspends as {#execute}
      def execute_script(sql)
        writing { |connection| connection.run_script(sql) }
        self
      end

      # Reads row by row: the next one is fetched when the block is done with one, so that a large result takes no
      # memory. The connection is this fiber's meanwhile.
      #
      # @param sql [String] one statement
      # @param binds [Array] as of {#query}
      # @param named [Hash{Symbol => Object}]
      # @yieldparam row [Hash{String => Object}]
      # @return [self, Enumerator] the latter without a block
      # @raise as {#query}
      # @suspends as {#query}
      def each(sql, *binds, **named, &block)
        return enum_for(:each, sql, *binds, **named) unless block

        reading { |connection| connection.each(sql, binds, named, &block) }
        self
      end

      # @return [Hash{String => Object}, nil] the first row of a {#query}
      # @raise as {#query}
      # @suspends as {#query}
      def first(sql, *binds, **named) = query(sql, *binds, **named).first

      # @return [Object, nil] the first value of the first row of a {#query}
      # @raise as {#query}
      # @suspends as {#query}
      def value(sql, *binds, **named) = query(sql, *binds, **named).value
    end
    private_constant :Queries
  end
end
