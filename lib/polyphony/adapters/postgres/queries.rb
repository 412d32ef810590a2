# frozen_string_literal: true

module Polyphony
  class Postgres
    # What can be asked of a database, a connection of {Postgres#with} and a transaction. Errors of the server are those
    # of the pg gem: `PG::UniqueViolation`, `PG::QueryCanceled` …
    #
    # When the fiber is stopped, cancelled or out of time while it waits for an answer, the query is cancelled on the
    # server, and its connection is used again only when that is done.
    module Queries
      # Runs a statement with parameters, `$1`, `$2` …. The second time that a connection sees it, it prepares it, and
      # uses that from then on.
      #
      # Parameters are written as their `to_s`, nil as NULL; arrays, times, dates, numbers and (as JSON) hashes as the
      # server reads them. Bytes: `{ value: bytes, format: 1 }`.
      #
      # @param sql [String] one statement
      # @param params [Array<Object>]
      # @param as [Symbol, nil] :result (PG::Result), :hashes, :symbols (hashes with Symbols) or :values (arrays);
      #   nil: what the database was told with `results:`
      # @param types [Boolean, nil] whether values become Integer, Time …, or stay Strings; nil: as told with `types:`
      # @return [PG::Result, Array<Hash>, Array<Array>]
      # @raise [PG::Error] what the server, or libpq, said
      # @raise [Polyphony::TimeoutError] when no connection was free in time
      # @raise [Polyphony::Postgres::ConnectionFailed] when none could be made
      # @raise [Polyphony::Postgres::Busy] when the connection belongs to another fiber
      # @raise [ArgumentError] for an unknown form
      # @suspends until the answer is there
      def query(sql, *params, as: nil, types: nil)
        using { |connection| connection.run(sql, params, connection.form(as, types)) }
      end

      # As {#query}: the first row, of a PG::Result as a hash.
      #
      # @return [Hash, Array, nil] nil without rows
      # @raise [PG::Error] and the others of {#query}
      # @suspends until the answer is there
      def row(sql, *params, as: nil, types: nil)
        query(sql, *params, as: as, types: types).first
      end

      # As {#query}: the first column of the first row.
      #
      # @return [Object, nil] nil without rows
      # @raise [PG::Error] and the others of {#query}
      # @suspends until the answer is there
      def value(sql, *params, types: nil)
        query(sql, *params, as: :values, types: types).first&.first
      end

      # Runs SQL as it is: any number of statements, no parameters, nothing prepared. For DDL and SET.
      #
      # @param sql [String]
      # @return [PG::Result] of the last statement
      # @raise [PG::Error] and the others of {#query}
      # @suspends until the answer is there
      def exec(sql)
        using { |connection| connection.run_plain(sql) }
      end

      # As {#query}, never prepared, with the arguments of the gem's method of this name.
      #
      # @param sql [String]
      # @param params [Array<Object>]
      # @return [PG::Result]
      # @raise [PG::Error] and the others of {#query}
      # @suspends until the answer is there
      def exec_params(sql, params = [])
        using { |connection| connection.run_unprepared(sql, params) }
      end

      # Gives row after row while they come: a result of any size, in little memory. The server is not read from while
      # the block runs. `break` cancels the rest.
      #
      # The block cannot use the same connection: outside of transactions too, `db.query` in it raises {Busy}, as one
      # fiber has one connection. Collect what is to be asked, or ask in another fiber.
      #
      # @param sql [String]
      # @param params [Array<Object>]
      # @param chunk [Integer] how many rows libpq takes at a time (it needs libpq 17; with an older one 1)
      # @param as [Symbol, nil] as {#query}, :result being :hashes here
      # @param types [Boolean, nil]
      # @yieldparam row [Hash, Array]
      # @return [Integer, Enumerator] how many rows there were; an Enumerator without a block
      # @raise [PG::Error] and the others of {#query}; rows may have been given before
      # @suspends until there are rows
      def each_row(sql, *params, chunk: 200, as: nil, types: nil, &block)
        return to_enum(:each_row, sql, *params, chunk: chunk, as: as, types: types) unless block

        Polyphony.count(chunk, 'chunk')
        using { |connection| connection.stream(sql, params, chunk, connection.form(as, types), &block) }
      end
    end
  end
end
