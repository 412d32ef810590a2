# frozen_string_literal: true

module Polyphony
  module Sequel
    # A pool of connections for Sequel (its option `pool_class:`) that hands them out to fibers first come, first
    # served, and loses none to a fiber that is stopped while it waits, or while it connects. Not for shards.
    class Pool < ::Sequel::ConnectionPool
      # @param database [::Sequel::Database]
      # @param options [Hash{Symbol => Object}] max_connections: (4), pool_timeout: seconds (5)
      # @raise [::Sequel::Error, ArgumentError]
      # @suspends no
      def initialize(database, options = OPTS)
        super
        @limit = ::Kernel.Integer(options[:max_connections] || 4)
        raise ::Sequel::Error, ':max_connections must be positive' if @limit < 1

        @timeout = ::Kernel.Float(options[:pool_timeout] || 5)
        @current = [open] # in an Array, as a pool can be frozen
      end

      # Runs the block with a connection; in a fiber that holds one already, with that one.
      #
      # @yieldparam connection [Object]
      # @return [Object] the block's value
      # @raise [::Sequel::PoolTimeout] when none was free in time
      # @raise [::Sequel::DatabaseConnectionError] when none could be made
      # @suspends until one is free, and as the block does
      def hold(_server = nil)
        entered = false
        pool = self.pool # another after a disconnect
        pool.acquire do |connection|
          entered = true
          yield connection
        rescue ::Sequel::DatabaseDisconnectError, *@error_classes => e
          pool.discard! if disconnect_error?(e)
          raise
        ensure
          pool.discard! if Cut.closed?(connection)
        end
      rescue TimeoutError => e
        raise if entered

        raise ::Sequel::PoolTimeout, "no connection was free within #{@timeout} s (#{pool.inspect})", cause: e
      end

      # Runs the block with this fiber's connection. Those of others cannot be had.
      #
      # @yieldparam connection [Object]
      # @suspends as {#hold}
      def all_connections(&block) = hold(&block)

      # Closes the connections that are idle now, and those in use when they come back. New ones can be made.
      #
      # @param _options [Hash]
      # @return [void]
      # @suspends as closing does
      def disconnect(_options = OPTS)
        old = pool
        @current[0] = open
        old.close
      end

      # @return [Integer]
      # @suspends no
      def max_size = @limit

      # @return [Integer] how many connections there are
      # @suspends no
      def size = pool.size

      # @return [Integer] fibers that wait for one
      # @suspends no
      def num_waiting(_server = :default) = pool.waiting

      # @return [Symbol]
      # @suspends no
      def pool_type = :polyphony

      private

      def pool = @current.first

      def open
        ResourcePool.new(limit: @limit, timeout: @timeout, close: method(:disconnect_connection)) { make_new(:default) }
      end

      # Sequel makes a DatabaseConnectionError of whatever comes while it connects. A fiber that is stopped then is to
      # be stopped.
      def make_new(server)
        super
      rescue ::Sequel::DatabaseConnectionError => e
        cut = e.wrapped_exception
        raise if cut.nil? || cut.is_a?(::StandardError)

        raise cut, cause: cut.cause
      end
    end
  end
end
