# frozen_string_literal: true

# Many fibers and one SQLite database: a report that takes long lets the others go on, and is cut in the end.
#
#   gem install sqlite3
#   bin/start examples/sqlite_side_by_side.rb
#
# prints
#
#   orders: 100
#   the report takes too long
#   the ticker went on: true

require 'polyphony'
require 'polyphony/adapters/sqlite3'
require 'tmpdir'

Dir.mktmpdir do |dir|
  db = Polyphony::SQLite3.new(File.join(dir, 'shop.db'))
  db.execute('create table orders (id integer primary key, price integer)')
  ticks = 0
  spin { loop { sleep 0.001; ticks += 1 } }

  buyers = Array.new(100) { |n| spin { db.transaction { db.execute('insert into orders (price) values (?)', n) } } }
  buyers.each(&:await)
  puts "orders: #{db.value('select count(*) from orders')}"

  report = move_on_after(0.1) do
    db.value('select sum(a.price * b.price * c.price * d.price) from orders a, orders b, orders c, orders d')
  end
  puts report || 'the report takes too long'
  puts "the ticker went on: #{ticks.positive?}"
  db.close
end
