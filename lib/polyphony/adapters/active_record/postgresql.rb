# frozen_string_literal: true

require_relative '../active_record'
require 'active_record/connection_adapters/postgresql_adapter'

module Polyphony
  module ActiveRecord
    # Rails' adapter for PostgreSQL, whose queries can be cut: `adapter: polyphony_postgresql`.
    class PostgreSQLAdapter < ::ActiveRecord::ConnectionAdapters::PostgreSQLAdapter
      include Cutting
    end
  end
end
