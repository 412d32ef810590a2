# frozen_string_literal: true

# Clerks post payments side by side, each in a transaction of its own, and an auditor hears of what was committed.
# Needs a PostgreSQL: DATABASE_URL.
#
#   DATABASE_URL=postgres://me@localhost/test bin/start examples/postgres.rb
#
# prints
#
#   audited: 60
#   gave up: the account would be overdrawn
#   left: 40

require 'polyphony'
abort 'This needs a database: DATABASE_URL=postgres://user@host/name' unless ENV['DATABASE_URL']
require 'polyphony/adapters/postgres'

db = Polyphony::Postgres.new(ENV.fetch('DATABASE_URL'), size: 5, settings: { client_min_messages: 'warning' })
db.exec('DROP TABLE IF EXISTS accounts; CREATE TABLE accounts (name text, cents int CHECK (cents >= 0))')
db.query('INSERT INTO accounts VALUES ($1, $2)', 'cash', 100)

listening = Polyphony::Event.new
audited = []
auditor = spin { db.listen('payments', ready: -> { listening.set }) { |amount| audited << amount.to_i } }
listening.wait

clerks = [10, 20, 30, 500].map do |amount|
  spin do
    db.transaction(retries: 5) do |tx|
      tx.query("UPDATE accounts SET cents = cents - $1 WHERE name = 'cash'", amount)
      tx.notify('payments', amount) # goes out with the COMMIT, or not at all
    end
  rescue PG::CheckViolation
    "gave up: the account would be overdrawn\n"
  end
end
complaints = clerks.map(&:await).grep(String)
move_on_after(5) { sleep 0.01 until audited.size == 3 }
auditor.stop
puts "audited: #{audited.sum}", complaints, "left: #{db.value('SELECT cents FROM accounts')}"
