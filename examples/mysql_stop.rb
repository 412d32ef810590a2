# frozen_string_literal: true

# A pool of connections to MySQL or MariaDB, and a fiber that is stopped in the midst of a query: the server kills it.
#
#   gem install trilogy
#   MYSQL_URL=mysql://root@127.0.0.1:3306/test bin/start examples/mysql_stop.rb
#
# prints
#
#   answers: 100
#   running at the server: 1, after the stop: 0

require 'polyphony'
require 'polyphony/adapters/trilogy'

db = Polyphony::Trilogy.new(ENV.fetch('MYSQL_URL'), size: 5)

answers = Array.new(100) { |n| spin { db.value('select ? * 2', n) } }.map(&:await)
puts "answers: #{answers.size}"

mark = "select /* #{Process.pid} */ sleep(1000)"
running = -> { db.value('select count(*) from information_schema.processlist where info = ?', mark) }
slow = spin { db.query(mark) }
sleep 0.01 until running.call == 1
print 'running at the server: 1, after the stop: '
slow.stop
sleep 0.01 until running.call.zero?
puts 0
db.close
