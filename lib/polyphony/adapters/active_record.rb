# frozen_string_literal: true

require_relative '../core'

begin
  require 'active_record'
rescue LoadError => e
  raise unless e.path == 'active_record'

  raise LoadError, 'polyphony/adapters/active_record needs the gem activerecord: ' \
                   "add `gem 'activerecord'` to your Gemfile"
end
require_relative 'cut'

module Polyphony
  # ActiveRecord for many fibers.
  #
  #   require 'polyphony/adapters/active_record'
  #
  #   ActiveRecord::Base.establish_connection(adapter: 'polyphony_postgresql', database: 'shop', pool: 10)
  #
  # The `require` sets Rails' own `isolation_level` to `:fiber`: a connection belongs to the fiber that has checked it
  # out, not to its thread. And it registers two adapters, `polyphony_postgresql` and `polyphony_sqlite3`, which are
  # Rails' own but for this: a fiber that is stopped in the midst of a query has it cancelled before anybody else gets
  # the connection, and queries of SQLite let other fibers run.
  module ActiveRecord
    ADAPTERS = { 'polyphony_postgresql' => 'PostgreSQLAdapter', 'polyphony_sqlite3' => 'SQLite3Adapter' }.freeze
    private_constant :ADAPTERS

    # What both adapters do as theirs do it, but for a query that is cut.
    module Cutting
      private

      def with_raw_connection(**options)
        super(**options) do |raw|
          Cut.around(raw, (@config[:timeout] || 5000).to_f / 1000) { yield raw }
        ensure
          throw_away! if Cut.closed?(raw)
        end
      end
    end
    private_constant :Cutting

    ADAPTERS.each do |name, adapter|
      path = "polyphony/adapters/active_record/#{name.delete_prefix('polyphony_')}"
      ::ActiveRecord::ConnectionAdapters.register(name, "Polyphony::ActiveRecord::#{adapter}", path)
    end
  end
end

ActiveSupport::IsolatedExecutionState.isolation_level = :fiber
