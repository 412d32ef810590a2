# frozen_string_literal: true

require_relative '../core'

begin
  require 'sequel'
rescue LoadError => e
  raise unless e.path == 'sequel'

  raise LoadError, "polyphony/adapters/sequel needs the gem sequel: add `gem 'sequel'` to your Gemfile"
end
Sequel.extension :fiber_concurrency
require_relative 'cut'
require_relative 'sequel/pool'

module Polyphony
  # Sequel for many fibers.
  #
  #   require 'polyphony/adapters/sequel'
  #
  #   DB = Polyphony::Sequel.connect('postgres://localhost/shop', max_connections: 10)
  #   DB[:orders].where(item: 'pear').update(price: 3)
  #
  # The `require` turns on Sequel's own extension `fiber_concurrency`: a connection belongs to the fiber that has
  # checked it out, not to its thread. Each database then wants the extension `polyphony`, which {connect} turns on:
  # a fiber that is stopped in the midst of a query has it cancelled (PostgreSQL, SQLite) before anybody else gets the
  # connection, and queries of SQLite let other fibers run.
  module Sequel
    # Sequel's `connect`, with the extension `polyphony`, and a {Pool} unless options say otherwise.
    #
    # @param arguments [Array] as of Sequel
    # @param options [Hash] as of Sequel; `max_connections:` (4) and `pool_timeout:` (5 seconds) are the pool's
    # @yieldparam database [::Sequel::Database]
    # @return [::Sequel::Database, Object] with a block, its value
    # @raise [::Sequel::Error]
    # @suspends while it connects, and as the block does
    def self.connect(*arguments, **options)
      options = { pool_class: Pool, **options } unless options[:servers] # shards want pools that know of them
      return ::Sequel.connect(*arguments, **options).extension(:polyphony) unless block_given?

      ::Sequel.connect(*arguments, **options) { |database| yield database.extension(:polyphony) }
    end

    # What `database.extension(:polyphony)` adds to it.
    module Extension
      # @param database [::Sequel::Database]
      def self.extended(database)
        require_relative 'sqlite3/companion' if database.adapter_scheme == :sqlite
      end

      # Around each query. @api private
      #
      # @return [Object] the block's value
      # @suspends as the query does
      def log_connection_yield(sql, conn, args = nil, &block)
        Cut.around(conn, opts.fetch(:timeout, 5000) / 1000.0) { super(sql, conn, args, &block) }
      end
    end

    ::Sequel::Database.register_extension(:polyphony, Extension)
  end
end
