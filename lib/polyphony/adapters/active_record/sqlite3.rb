# frozen_string_literal: true

require_relative '../active_record'
require_relative '../sqlite3/companion'
require 'active_record/connection_adapters/sqlite3_adapter'

module Polyphony
  module ActiveRecord
    # Rails' adapter for SQLite, whose queries let other fibers run, and can be cut: `adapter: polyphony_sqlite3`.
    class SQLite3Adapter < ::ActiveRecord::ConnectionAdapters::SQLite3Adapter
      include Cutting
    end
  end
end
