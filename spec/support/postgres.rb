# frozen_string_literal: true

require 'polyphony/adapters/postgres'
require_relative 'fibers'

# For specs of the PostgreSQL adapter, with the server that bin/test starts and names in the environment.
module PostgresDatabase
  MISSING = 'no PostgreSQL server: bin/test starts one and names it by PGHOST, PGPORT …'

  # @return [Polyphony::Postgres] closed after the example
  def database(...)
    Polyphony::Postgres.new(...).tap { |db| databases << db }
  end

  def databases
    @databases ||= []
  end

  # @return [String] SQL that takes longer than any example, and is this example's
  def slow = "SELECT pg_sleep(100) /* #{Process.pid} #{object_id} */"

  # What the server does, seen over a connection of its own.
  def onlooker
    @onlooker ||= database(size: 1, results: :hashes, types: true, settings: { client_min_messages: 'warning' })
  end

  # @return [Integer] how many sessions are running SQL that begins so
  def running(sql)
    onlooker.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND starts_with(query, $1)", sql, types: true)
  end

  # @return [Integer] sessions of this name
  def sessions(name)
    onlooker.value('SELECT count(*) FROM pg_stat_activity WHERE application_name = $1', name, types: true)
  end

  # A table for one example.
  def table(columns)
    @tables = (@tables || 0) + 1
    name = "t#{Process.pid}_#{object_id}_#{@tables}"
    onlooker.exec("CREATE TABLE #{name} (#{columns})")
    (@made ||= []) << name
    name
  end

  def self.install(config)
    config.include PostgresDatabase, :postgres
    config.before(:each, :postgres) { ENV['PGHOST'] || (ENV['CI'] ? raise(MISSING) : skip(MISSING)) }
    config.after(:each, :postgres) do
      @made&.each { |name| onlooker.exec("DROP TABLE IF EXISTS #{name}") }
      databases.each(&:close)
    end
  end
end

RSpec.configure { |config| PostgresDatabase.install(config) }
