# frozen_string_literal: true

# Before a runtime begins: async on Ruby 3.1 cannot read a gem's files.
begin
  require 'pg' if ARGV.first.to_s.start_with?('pg_')
rescue LoadError
  nil # said for each contender
end

# PostgreSQL: the gem pg, by our pool and by our pipeline, and alone under other schedulers.
module Bench
  module Adapters
    # What the rows have in common.
    module PostgresRows
      module_function

      # @return [Polyphony::Postgres] connected
      def database(stage, size: stage.units, **options)
        require 'polyphony/adapters/postgres'
        db = ::Polyphony::Postgres.new(ENV.fetch('DATABASE_URL'), size: size, timeout: 60, **options)
        db.connect(size) unless options[:pipeline]
        stage.at_end { db.close }
        db
      end

      # A connection of the gem's own for each unit, made beforehand, with the statement prepared.
      def connections(stage, sql)
        require 'pg'
        connections = Array.new(stage.units) { ::PG.connect(ENV.fetch('DATABASE_URL')) }
        connections.each { |connection| connection.prepare('bench', sql) }
        stage.at_end { connections.each(&:close) }
        connections
      end

      def value(result) = result.getvalue(0, 0).tap { result.clear }

      # The gem under each scheduler.
      def gem_alone(row, sql, params = [])
        prepare = lambda do |stage|
          connections = PostgresRows.connections(stage, sql)
          ->(unit) { PostgresRows.value(connections[unit].exec_prepared('bench', params)) }
        end
        { polyphony_stock: 'Polyphony::Scheduler', async: 'async', threads: 'threads' }.each do |on, name|
          row.contender("pg, a connection each, on #{name}", on: on, &prepare)
        end
      end
    end

    # So that both servers' connections suffice: PostgreSQL has 100 by default.
    row 'pg_select', 'PostgreSQL: SELECT 1', unit: 'query', wanted: 16_500, check: ->(value) { value == '1' } do
      { 'Polyphony::Postgres, 50 connections' => {}, 'Polyphony::Postgres, 10 connections' => { size: 10 },
        'Polyphony::Postgres, pipeline: true' => { pipeline: true } }.each do |name, options|
        contender(name, on: :polyphony) do |stage|
          db = PostgresRows.database(stage, **options)
          ->(_unit) { PostgresRows.value(db.query('SELECT 1')) }
        end
      end
      PostgresRows.gem_alone(self, 'SELECT 1')
    end

    row 'pg_pipe', 'PostgreSQL: SELECT 1, with implicit pipelining and without', unit: 'query', over: 3,
                   check: ->(value) { value == '1' } do
      { 'pipeline: true' => { pipeline: true },
        'pipeline: false, 10 connections' => { size: 10 } }.each do |name, options|
        contender(name, on: :polyphony) do |stage|
          db = PostgresRows.database(stage, **options)
          ->(_unit) { PostgresRows.value(db.query('SELECT 1')) }
        end
      end
    end

    row 'pg_rows', 'PostgreSQL: 100 rows of 5 columns as hashes with Symbols, types cast', unit: 'query', units: 10,
                   check: ->(rows) { rows.size == 100 } do
      sql = "SELECT x AS id, 'name ' || x AS name, x * 1.5::float8 AS price, x % 2 = 0 AS even, now() AS at " \
            'FROM generate_series(1, 100) x'
      contender('Polyphony::Postgres', on: :polyphony) do |stage|
        db = PostgresRows.database(stage, results: :symbols, types: true)
        ->(_unit) { db.query(sql) }
      end
      contender('pg, on threads', on: :threads) do |stage|
        connections = PostgresRows.connections(stage, sql)
        connections.each { |c| c.type_map_for_results = ::PG::BasicTypeMapForResults.new(c) }
        lambda do |unit|
          result = connections[unit].exec_prepared('bench')
          result.field_name_type = :symbol
          result.to_a
        end
      end
    end
  end
end
