# frozen_string_literal: true

# A library that blocks its thread, on a pool of threads: other fibers go on while SQLite works. (The
# sqlite3 gem keeps Ruby's lock while it looks for one row; between two rows others get their turn.)
#
#   gem install sqlite3
#   bin/start examples/thread_pool_sqlite.rb
#
# prints
#
#   rows: 500000
#   the ticker went on: true

require 'polyphony'
require 'sqlite3'

# One connection, used by one thread at a time.
class Database
  def initialize(path)
    @pool = Polyphony::ThreadPool.new(1)
    @connection = @pool.process { SQLite3::Database.new(path) }
  end

  def query(sql, *values)
    @pool.process { @connection.execute(sql, values) }
  end
end

ticks = 0
spin { loop { sleep 0.001; ticks += 1 } }

database = Database.new(':memory:')
rows = database.query(<<~SQL, 500_000)
  with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ?)
  select n from numbers
SQL
puts "rows: #{rows.size}"
puts "the ticker went on: #{ticks.positive?}"
