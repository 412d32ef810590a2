# frozen_string_literal: true

require_relative '../core'
require_relative 'sqlite3/errors'
require_relative 'sqlite3/ext'
require_relative 'sqlite3/options'
require_relative 'sqlite3/values'
require_relative 'sqlite3/result'
require_relative 'sqlite3/connection'
require_relative 'sqlite3/pools'
require_relative 'sqlite3/queries'

module Polyphony
  # An SQLite database for many fibers: one connection that writes, several that read (WAL), on the gem
  # `sqlite3`.
  #
  #   require 'polyphony/adapters/sqlite3'
  #
  #   db = Polyphony::SQLite3.new('shop.db')
  #   db.execute('insert into orders(item, price) values (?, ?)', 'pear', 3)
  #   db.query('select * from orders where price < :most', most: 5).each { |row| puts row['item'] }
  #   db.transaction { db.execute('delete from orders'); db.execute('vacuum into ?', 'empty.db') }
  #
  # SQLite works within the process, and the gem keeps Ruby's lock meanwhile, so that no thread can take the work off
  # the loop. Instead a query that takes long gives other fibers their turn about every millisecond, in the midst of
  # it, and a fiber that is stopped there, or whose time is over, ends its query at once. A database that
  # another process has locked is waited for as the loop waits. What does hold the loop is the disk: the `fsync` of
  # a checkpoint.
  class SQLite3
    include Pools
    include Queries

    # @return [String]
    attr_reader :path

    # Opens nothing yet.
    #
    # @param path [String, #to_path] a file, which is made if there is none; `:memory:` for a database without one,
    #   which has a single connection
    # @param readers [Integer] connections that read at the same time
    # @param timeout [Numeric, nil] seconds to wait for a connection of ours at most; nil: without limit
    # @param busy_timeout [Numeric] seconds to wait at most while another process has locked the database
    # @param statements [Integer] prepared statements that each connection keeps
    # @param readonly [Boolean] never write to the file, nor make it
    # @param pragmas [Hash{Symbol => Object}] what each connection is set to, beside and above `journal_mode: :wal`,
    #   `synchronous: :normal`, `foreign_keys: true`
    # @raise [ArgumentError, TypeError]
    # @suspends no
    def initialize(path, readers: 4, timeout: 30, busy_timeout: 5, statements: 100, readonly: false, pragmas: {}) # rubocop:disable Metrics/ParameterLists -- options
      @path = path.respond_to?(:to_path) ? path.to_path : path
      raise ::TypeError, "path must be a String, not #{path.inspect}" unless @path.is_a?(::String)

      @options = Options.new(@path, busy_timeout, statements, readonly, pragmas)
      @bound = {}.compare_by_identity
      @writer = pool(1, timeout) { Connection.new(@options, writes: !readonly) } unless readonly
      @readers = shared? ? @writer : pool(Polyphony.count(readers, 'readers'), timeout) { open_reader }
    end

    # Runs the block in a transaction: all that this fiber does with the database in it, but nothing that other
    # fibers do. It is committed when the block ends, and rolled back when it raises or the fiber is stopped. In
    # one of this fiber's already: a savepoint. {Rollback} rolls back and goes no further.
    #
    # @param mode [Symbol] :immediate locks for writing at the start, :deferred at the first write, :exclusive keeps
    #   readers out, too
    # @yieldparam db [Polyphony::SQLite3] self
    # @return [Object] the block's value; nil after {Rollback}
    # @raise [Polyphony::TimeoutError] when the connection was not free in time: was a fiber that the block waits for to
    #   write, too?
    # @raise [::SQLite3::Exception, Polyphony::SQLite3::ReadOnly, ArgumentError]
    # @suspends until the connection is free, and as its block does
    def transaction(mode = :immediate)
      raise ::ArgumentError, 'a block is required' unless block_given?

      writing { |connection| connection.transaction(mode) { yield self } }
    end

    # Runs the block with the database as it is now, for reading: what others commit meanwhile is not seen in it.
    #
    # @yieldparam db [Polyphony::SQLite3] self
    # @return [Object] the block's value
    # @raise [Polyphony::TimeoutError] when no connection was free in time
    # @suspends until one is free, and as its block does
    def snapshot
      raise ::ArgumentError, 'a block is required' unless block_given?

      reading { |connection| connection.transaction(:deferred) { yield self } }
    end

    # The gem's own connection, for what is not here: functions, backups, extensions. Prepare no statement that
    # outlives the block, and keep other fibers away from it.
    #
    # @yieldparam database [::SQLite3::Database] the one that writes
    # @return [Object] the block's value
    # @raise [Polyphony::TimeoutError, Polyphony::SQLite3::ReadOnly]
    # @suspends until it is free, and as its block does
    def connection
      raise ::ArgumentError, 'a block is required' unless block_given?

      writing { |connection| connection.guard { yield connection.raw } }
    end

    # @return [Boolean] whether this fiber is in a {#transaction}, or a {#snapshot}
    # @suspends no
    def transaction? = @bound[Lifecycle.current]&.transaction? || false

    # Closes all connections, those in use when they come back.
    #
    # @return [void]
    # @suspends no
    def close
      [@writer, @readers].compact.uniq.each(&:close)
      nil
    end

    # @return [Boolean]
    # @suspends no
    def closed? = @readers.closed?

    # @return [Hash{Symbol => Hash}] `writer:` and `readers:`, as of {ResourcePool#stats}
    # @suspends no
    def stats = { writer: @writer&.stats, readers: @readers.stats }.compact

    # @return [String]
    def inspect
      pools = stats.map { |name, pool| "#{name}=#{pool[:in_use]}/#{pool[:limit]} waiting=#{pool[:waiting]}" }
      "#<#{self.class} #{@path}#{' closed' if closed?} #{pools.join(' ')}>"
    end
  end
end
