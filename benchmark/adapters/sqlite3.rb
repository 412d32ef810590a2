# frozen_string_literal: true

# SQLite: our adapter, and the gem's own connections, one for each thread, or one for all.
module Bench
  module Adapters
    SQLITE_ROWS = 10_000

    # A file with a table of SQLITE_ROWS rows.
    def self.sqlite_file(stage)
      require 'sqlite3'
      require 'tmpdir'
      folder = Dir.mktmpdir('polyphony-bench')
      stage.at_end { FileUtils.rm_rf(folder) }
      File.join(folder, 'bench.db').tap do |file|
        db = ::SQLite3::Database.new(file)
        db.execute('pragma journal_mode = wal')
        db.execute('pragma synchronous = normal')
        db.execute('create table numbers (id integer primary key, text text)')
        db.execute("with recursive n(x) as (select 1 union all select x + 1 from n where x < #{SQLITE_ROWS}) " \
                   "insert into numbers select x, 'row ' || x from n")
        db.close
      end
    end

    # @return [#call] of the gem's connections, prepared, +count+ of them
    def self.sqlite_connections(stage, count, sql)
      file = sqlite_file(stage)
      statements = Array.new(count) do
        db = ::SQLite3::Database.new(file)
        db.busy_timeout = 5000
        db.execute('pragma synchronous = normal')
        stage.at_end { db.close }
        db.prepare(sql).tap { |statement| stage.at_end { statement.close } }
      end
      ->(unit, *values) { statements[unit % count].execute(*values).to_a }
    end

    row 'sqlite_select', 'SQLite: a row by its key', unit: 'query', check: ->(value) { value.start_with?('row ') } do
      contender 'Polyphony::SQLite3, 4 readers', on: :polyphony do |stage|
        file = Adapters.sqlite_file(stage)
        require 'polyphony/adapters/sqlite3'
        db = ::Polyphony::SQLite3.new(file)
        stage.at_end { db.close }
        ->(unit) { db.value('select text from numbers where id = ?', unit + 1) }
      end
      contender 'sqlite3, one connection, on Polyphony::Scheduler', on: :polyphony_stock do |stage|
        ask = Adapters.sqlite_connections(stage, 1, 'select text from numbers where id = ?')
        ->(unit) { ask.call(unit, unit + 1).first.first }
      end
      contender 'sqlite3, 50 connections, on threads', on: :threads do |stage|
        ask = Adapters.sqlite_connections(stage, stage.units, 'select text from numbers where id = ?')
        ->(unit) { ask.call(unit, unit + 1).first.first }
      end
    end

    row 'sqlite_insert', 'SQLite: an insert, each a transaction', unit: 'insert', units: 10 do
      contender 'Polyphony::SQLite3', on: :polyphony do |stage|
        file = Adapters.sqlite_file(stage)
        require 'polyphony/adapters/sqlite3'
        db = ::Polyphony::SQLite3.new(file)
        stage.at_end { db.close }
        ->(unit) { db.execute('insert into numbers (text) values (?)', unit) }
      end
      contender 'sqlite3, one connection, on Polyphony::Scheduler', on: :polyphony_stock do |stage|
        ask = Adapters.sqlite_connections(stage, 1, 'insert into numbers (text) values (?)')
        ->(unit) { ask.call(unit, unit) }
      end
      contender 'sqlite3, 10 connections, on threads', on: :threads do |stage|
        ask = Adapters.sqlite_connections(stage, stage.units, 'insert into numbers (text) values (?)')
        ->(unit) { ask.call(unit, unit) }
      end
    end
  end
end
