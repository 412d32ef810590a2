# frozen_string_literal: true

# MySQL: the gem trilogy, by our pool, and by a pool of its own under other schedulers.
module Bench
  module Adapters
    # A connection for each unit, made beforehand.
    MYSQL = lambda do |stage|
      require 'trilogy'
      require 'uri'
      uri = URI.parse(ENV.fetch('MYSQL_URL'))
      connections = Array.new(stage.units) { ::Trilogy.new(host: uri.host, port: uri.port, username: uri.user) }
      stage.at_end { connections.each(&:close) }
      ->(unit) { connections[unit].query('select 1').rows.first.first }
    end

    row 'mysql_select', 'MySQL: SELECT 1', unit: 'query', check: ->(value) { value == 1 } do
      contender 'Polyphony::Trilogy, 50 connections', on: :polyphony do |stage|
        require 'polyphony/adapters/trilogy'
        db = ::Polyphony::Trilogy.new(ENV.fetch('MYSQL_URL'), size: stage.units)
        stage.at_end { db.close }
        ->(_unit) { db.value('select 1') }
      end
      contender 'Polyphony::Trilogy, 5 connections', on: :polyphony do |stage|
        require 'polyphony/adapters/trilogy'
        db = ::Polyphony::Trilogy.new(ENV.fetch('MYSQL_URL'), size: 5)
        stage.at_end { db.close }
        ->(_unit) { db.value('select 1') }
      end
      contender 'trilogy, 50 connections, on Polyphony::Scheduler', on: :polyphony_stock, &MYSQL
      contender 'trilogy, 50 connections, on async', on: :async, &MYSQL
      contender 'trilogy, 50 connections, on threads', on: :threads, &MYSQL
    end
  end
end
