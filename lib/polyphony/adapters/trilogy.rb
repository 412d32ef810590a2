# frozen_string_literal: true

require_relative '../core'
require_relative 'trilogy/ext'
require_relative 'trilogy/settings'
require_relative 'trilogy/literals'
require_relative 'trilogy/connection'

module Polyphony
  # A MySQL or MariaDB server for many fibers: a pool of connections of the gem `trilogy`, which waits as the
  # scheduler has it.
  #
  #   require 'polyphony/adapters/trilogy'
  #
  #   db = Polyphony::Trilogy.new('mysql://app:secret@127.0.0.1/shop', size: 10)
  #   db.query('select * from orders where price < ?', 5).each_hash { |row| puts row['item'] }
  #   db.transaction { db.query('update stock set left = left - 1 where item = ?', 'pear') }
  #
  # A fiber that is stopped in the midst of a query, or whose time is over, has the server kill it, and the connection
  # is closed: no other fiber gets it in whatever state it is.
  class Trilogy
    # @param server [String, Hash] `mysql://user:password@host:port/database`, `?name=value` for more; or
    #   the gem's own options (host:, port:, socket:, username:, password:, database:, ssl_mode:, encoding: …)
    # @param size [Integer] connections at most; they are made when first needed
    # @param timeout [Numeric, nil] seconds to wait for a free one at most; nil: without limit
    # @param reconnect [Numeric] seconds to go on trying when a server that was there refuses connections: it may be
    #   starting again
    # @param grace [Numeric] seconds that a fiber which is being stopped takes at most to have its query killed, or its
    #   transaction rolled back, on the server
    # @param max_idle [Numeric, nil] seconds after which an idle connection is not used again: less than the server's
    #   `wait_timeout`
    # @raise [ArgumentError, TypeError]
    # @suspends no
    def initialize(server, size: 10, timeout: 30, reconnect: 5, grace: 5, max_idle: 300) # rubocop:disable Metrics/ParameterLists -- options
      @settings = Settings.new(server, reconnect, grace)
      @pool = ResourcePool.new(limit: size, timeout: timeout, max_idle: max_idle, check: :alive?.to_proc,
                               close: :close.to_proc) { Connection.open(@settings) }
    end

    # Runs one statement. In a transaction of this fiber, on its connection.
    #
    # @param sql [String] with `?`, or `:name`, for values; those within quotes and comments are left alone
    # @param binds [Array] values for `?`, quoted as {#literal} does
    # @param named [Hash{Symbol => Object}] values for `:name`
    # @return [::Trilogy::Result]
    # @raise [::Trilogy::ProtocolError] what the server says: the connection is used on
    # @raise [::Trilogy::ConnectionError] the connection was lost, or there is none to be had
    # @raise [Polyphony::TimeoutError] when no connection was free in time
    # @raise [ArgumentError] for too few values, or too many
    # @raise [TypeError] for one that SQL cannot say
    # @suspends until a connection is free, and the answer is there
    def query(sql, *binds, **named)
      acquire { |connection| connection.query(sql, binds, named) }
    end

    # @return [Hash{String => Object}, nil] the first row of a {#query}
    # @raise as {#query}
    # @suspends as {#query}
    def first(sql, *binds, **named) = query(sql, *binds, **named).each_hash.first

    # @return [Object, nil] the first value of the first row of a {#query}
    # @raise as {#query}
    # @suspends as {#query}
    def value(sql, *binds, **named) = query(sql, *binds, **named).rows.first&.first

    # Runs the block in a transaction: all that this fiber does with the database in it, but nothing that other
    # fibers do. It is committed when the block ends, and rolled back when it raises or the fiber is stopped. In
    # one of this fiber's already: a savepoint. {Rollback} rolls back and goes no further.
    #
    # @param isolation [Symbol, nil] :read_uncommitted, :read_committed, :repeatable_read, :serializable; nil: the
    #   server's own
    # @yieldparam db [Polyphony::Trilogy] self
    # @return [Object] the block's value; nil after {Rollback}
    # @raise [ArgumentError] for another isolation, or one that is asked for within a transaction
    # @raise as {#query}
    # @suspends until a connection is free, and as its block does
    def transaction(isolation: nil)
      raise ::ArgumentError, 'a block is required' unless block_given?

      acquire { |connection| connection.transaction(isolation) { yield self } }
    end

    # The gem's own connection, for what is not here. It is this fiber's during the block.
    #
    # @yieldparam connection [::Trilogy]
    # @return [Object] the block's value
    # @raise as {#query}
    # @suspends until one is free, and as its block does
    def connection
      raise ::ArgumentError, 'a block is required' unless block_given?

      acquire { |connection| connection.guard { yield connection.raw } }
    end

    # @param value [Object] nil, true, false, a number, String (BINARY ones as `x'…'`), Symbol, Time (in UTC), Date; an
    #   Array for `in (?)`
    # @return [String] as SQL says it
    # @raise [TypeError] for anything else
    # @suspends until a connection is free, for it depends on the server's settings
    def literal(value)
      acquire { |connection| connection.literals.of(value) }
    end

    # Hands out no connection any more. Idle ones are closed now, those in use when they come back.
    #
    # @return [void]
    # @suspends no
    def close = @pool.close

    # @return [Boolean]
    # @suspends no
    def closed? = @pool.closed?

    # @return [Hash{Symbol => Integer}] of {ResourcePool#stats}
    # @suspends no
    def stats = @pool.stats

    # @return [String] without the password
    def inspect
      s = stats
      "#<#{self.class} #{@settings}#{' closed' if closed?} in_use=#{s[:in_use]}/#{s[:limit]} waiting=#{s[:waiting]}>"
    end

    private

    def acquire
      @pool.acquire do |connection|
        yield connection
      ensure
        @pool.discard! unless connection.fit?
      end
    end
  end
end
