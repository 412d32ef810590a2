# frozen_string_literal: true

# Sequel, with a transaction in each of 50 fibers over 3 connections.
#
#   gem install sequel sqlite3
#   bin/start examples/sequel_fibers.rb
#
# prints
#
#   fibers: 50, connections: 3 at most
#   left: 50

require 'polyphony'
require 'polyphony/adapters/sequel'
require 'tmpdir'

Dir.mktmpdir do |dir|
  db = Polyphony::Sequel.connect("sqlite://#{dir}/stock.db", max_connections: 3, pool_timeout: 30)
  db.run('PRAGMA journal_mode = wal')
  db.transaction_mode = :immediate # who has read will write
  db.create_table(:stock) { Integer :left }
  db[:stock].insert(left: 100)

  buyers = Array.new(50) do
    spin do
      db.transaction do
        left = db[:stock].get(:left)
        sleep 0.001
        db[:stock].update(left: left - 1) # nobody has bought one meanwhile
      end
    end
  end
  buyers.each(&:await)
  puts "fibers: #{buyers.size}, connections: #{db.pool.max_size} at most"
  puts "left: #{db[:stock].get(:left)}"
  db.disconnect
end
