# frozen_string_literal: true

require_relative '../core'

begin
  require 'pg'
rescue ::LoadError => e
  raise unless e.path == 'pg'

  raise ::LoadError, "polyphony/adapters/postgres needs the pg gem. Add to the Gemfile: gem 'pg', '~> 1.6'"
end

require_relative 'postgres/errors'
require_relative 'postgres/options'
require_relative 'postgres/hints'
require_relative 'postgres/parameters'
require_relative 'postgres/connector'
require_relative 'postgres/forks'
require_relative 'postgres/cancelling'
require_relative 'postgres/wire_ending'
require_relative 'postgres/wire'
require_relative 'postgres/statements'
require_relative 'postgres/results'
require_relative 'postgres/turns'
require_relative 'postgres/queries'
require_relative 'postgres/copying'
require_relative 'postgres/notifying'
require_relative 'postgres/listening'
require_relative 'postgres/transaction'
require_relative 'postgres/connection'
require_relative 'postgres/pipelined'
require_relative 'postgres/pool'

module Polyphony
  # A PostgreSQL database for fibers: the `pg` gem does the protocol, this has the connections.
  #
  #   db = Polyphony::Postgres.new('postgres://app@localhost/shop', size: 20)
  #   db.query('SELECT * FROM orders WHERE customer = $1', 42, as: :hashes)
  #   db.transaction { |tx| tx.query('UPDATE …') }
  #   db.listen('orders') { |payload| puts payload }
  #
  # Any number of fibers, of any threads, use it. Each query takes a connection of the pool for as long as it lasts; in
  # {#transaction} and {#with} the fiber keeps one. In a forked child it begins anew, without connections.
  class Postgres
    include Queries
    include Copying
    include Notifying
    include Listening
    include Pool

    # Connects to nothing yet. Without a target libpq's environment counts: PGHOST, PGPORT, PGUSER, PGPASSWORD …
    #
    # @param target [String, URI, Hash, nil] a URL, libpq's words, or a Hash of these
    # @param options [Hash] ours, and any of libpq's: host, port, dbname, user, password, sslmode, sslrootcert …
    # @option options [Integer] :size (10) connections at most. Listening and the pipeline have theirs besides
    # @option options [Numeric, nil] :timeout (5) seconds to wait for a free one; nil: without limit
    # @option options [Numeric] :connect_timeout (10) seconds for each address of the server
    # @option options [Numeric] :reconnect (30) seconds to go on trying while a server that was there is away
    # @option options [Numeric] :idle_check (30) seconds after which the server is asked whether it is there, before a
    #   connection is used. Whether it has closed it is always looked at
    # @option options [Numeric, nil] :max_lifetime (1800) seconds that a connection is used
    # @option options [Numeric, nil] :max_idle (nil) seconds without use after which it is
    # @option options [Numeric] :cleanup_timeout (5) seconds that ending an interrupted query, or a rollback, may take
    # @option options [Numeric, nil] :statement_timeout (nil) seconds after which the server gives up a statement
    # @option options [Hash] :settings ({}) parameters of the session, as `{ search_path: 'app' }`
    # @option options [Integer] :statement_cache (256) prepared statements for each connection; 0: none
    # @option options [Symbol] :results (:result) what queries give: see {Queries#query}
    # @option options [Boolean] :types (false) whether values become Integer, Time …
    # @option options [Boolean, Integer] :pipeline (false) whether {#query} outside of transactions goes through one
    #   shared connection (or so many): see {#pipelined}
    # @raise [ArgumentError, TypeError] for options that there are not, or that make no sense
    # @suspends no
    def initialize(target = nil, **options)
      @options = Options.new(target, options)
      @connector = Connector.new(@options)
      @forms = Forms.new(@options)
      @counters = { queries: 0, pipelined: 0, batches: 0, connects: 0, gaps: 0 }
      @pipelined = Pipelined.new(self, @options, @connector, @counters)
      @closed = false
      @pool = make_pool
    end

    # Runs the block with a connection that is the fiber's until the block ends; in a block of it, with the same.
    #
    # @param timeout [Numeric, nil] seconds to wait for a free one
    # @yieldparam connection [Connection]
    # @return [Object] the block's value
    # @raise [Polyphony::TimeoutError] when none was free in time: the message says who has them
    # @raise [ConnectionFailed] when none could be made
    # @raise [NotCommitted] when the block has left a transaction open: it was rolled back
    # @raise [Polyphony::Closed] when the database is closed
    # @suspends until one is free and connected
    def with(timeout: @options.timeout, &block)
      raise ::ArgumentError, 'a block is required' unless block

      session = sessions[Lifecycle.current]
      session ? yield(session) : lend(timeout, &block)
    end

    # Runs the block in a transaction: committed at its end, rolled back after an error, a stop or a time limit. It is
    # the calling fiber's: what the fiber asks of the database in it, by {#query} too, is part of it, and a transaction
    # in it is a savepoint. Other fibers, also those spun in the block, are not in it: they have connections of their
    # own.
    #
    # From COMMIT on it is not interrupted: a stop comes at the next wait after it.
    #
    # @param isolation [Symbol, nil] :read_committed, :repeatable_read, :serializable; nil: the server's default
    # @param read_only [Boolean, nil]
    # @param deferrable [Boolean, nil]
    # @param retries [Integer] how often the whole block is run again when the server gives the transaction up because
    #   of others (serialization failure, deadlock)
    # @yieldparam tx [Transaction]
    # @return [Object] the block's value; nil after {Transaction#rollback}
    # @raise [Exception] what the block raised
    # @raise [NotCommitted] when a statement in it had failed and the block went on
    # @raise [CommitUnknown] when the connection was lost during COMMIT
    # @raise [PG::Error] of the server
    # @raise [ArgumentError] for options in a nested one
    # @suspends as {#with}, and until the server has answered
    def transaction(isolation: nil, read_only: nil, deferrable: nil, retries: 0, &block)
      modes = { isolation: isolation, read_only: read_only, deferrable: deferrable }
      with { |connection| connection.transaction(retries: retries, **modes, &block) }
    end

    # @see Queries#query
    # @return [PG::Result, Array<Hash>, Array<Array>]
    # @raise [PG::Error] and the others of {Queries#query}
    # @suspends until the answer is there
    def query(sql, *params, as: nil, types: nil)
      return @pipelined.query(sql, *params, as: as, types: types) if @options.pipeline && !sessions[Lifecycle.current]

      super
    end

    # The same database by way of one connection that all fibers of a thread share: what they ask at a time goes in one
    # round trip. See {Pipelined}.
    #
    # @return [Pipelined]
    # @suspends no
    attr_reader :pipelined

    # Connects so many times, for a start without delays, or to fail early.
    #
    # @param count [Integer]
    # @return [self]
    # @raise [ConnectionFailed]
    # @suspends until they are connected
    def connect(count = 1)
      @pool.fill!(count)
      self
    end
  end
end
