# frozen_string_literal: true

# ActiveRecord, with a transaction in each of 50 fibers over 3 connections.
#
#   gem install activerecord sqlite3
#   bin/start examples/active_record_fibers.rb
#
# prints
#
#   orders: 50
#   in use: 0

require 'polyphony'
require 'polyphony/adapters/active_record'
require 'tmpdir'

class Order < ActiveRecord::Base
end

Dir.mktmpdir do |dir|
  ActiveRecord::Base.establish_connection(adapter: 'polyphony_sqlite3', database: File.join(dir, 'shop.db'), pool: 3,
                                          checkout_timeout: 30, default_transaction_mode: :immediate)
  ActiveRecord::Base.with_connection { |connection| connection.create_table(:orders) { |table| table.string :item } }

  buyers = Array.new(50) do |n|
    spin do
      Order.transaction do
        Order.create!(item: "item #{n}")
        sleep 0.001
      end
    end
  end
  buyers.each(&:await)
  puts "orders: #{Order.count}"
  puts "in use: #{ActiveRecord::Base.connection_pool.stat[:busy]}"
end
