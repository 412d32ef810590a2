# frozen_string_literal: true

module Bench
  module Adapters
    # Redis: the same commands over a connection for each unit, and over one that all share.
    module RedisRows
      module_function

      # redis-client with a driver, a connection for each unit.
      def clients(stage, driver)
        require 'polyphony/adapters/redis' if driver == :polyphony
        require 'redis-client'
        require 'hiredis-client' if driver == :hiredis
        config = RedisClient.config(url: ENV.fetch('REDIS_URL'), driver: driver, timeout: 10)
        clients = Array.new(stage.units) { config.new_client }
        stage.at_end { clients.each(&:close) }
        yield clients.first
        clients
      end

      # Polyphony::Redis, with or without a shared connection.
      def shared(stage, pipeline)
        require 'polyphony/adapters/redis'
        redis = Polyphony::Redis.new(url: ENV.fetch('REDIS_URL'), size: stage.units, pipeline: pipeline, timeout: 10)
        stage.at_end { redis.close }
        yield redis
        redis
      end
    end

    get = lambda do |row|
      prepare = ->(redis) { redis.call('SET', 'bench', 'x' * 100) }
      by_client = lambda do |driver|
        lambda do |stage|
          clients = RedisRows.clients(stage, driver, &prepare)
          ->(unit) { clients[unit].call('GET', 'bench') }
        end
      end
      by_polyphony = lambda do |pipeline|
        lambda do |stage|
          redis = RedisRows.shared(stage, pipeline, &prepare)
          ->(_unit) { redis.call('GET', 'bench') }
        end
      end
      row.contender('Polyphony::Redis', on: :polyphony, &by_polyphony.call(true))
      row.contender('Polyphony::Redis, pipeline: false', on: :polyphony, &by_polyphony.call(false))
      row.contender('redis-client, our driver', on: :polyphony, &by_client.call(:polyphony))
      row.contender('redis-client, its Ruby driver', on: :polyphony, &by_client.call(:ruby))
      row.contender('redis-client, its Ruby driver, async', on: :async, &by_client.call(:ruby))
      row.contender('redis-client, its Ruby driver, threads', on: :threads, &by_client.call(:ruby))
      row.contender('hiredis-client, threads', on: :threads, &by_client.call(:hiredis))
    end

    right = ->(value) { value == 'x' * 100 }
    row('redis_get', 'GET of 100 bytes', unit: 'command', wanted: 80_000, check: right) { get.call(self) }
    row('redis_get1', 'GET of 100 bytes by one fiber', unit: 'command', units: 1, check: right) { get.call(self) }

    integer = ->(value) { value.is_a?(Integer) }
    row 'redis_pipe', 'INCR, pipelined across fibers, and not', unit: 'command', over: 3, check: integer do
      [true, false].each do |pipeline|
        contender("pipeline: #{pipeline}", on: :polyphony) do |stage|
          redis = RedisRows.shared(stage, pipeline) { nil }
          ->(unit) { redis.call('INCR', "bench:#{unit}") }
        end
      end
    end

    row 'redis_hash', 'HGETALL of 100 fields', unit: 'command', units: 10, check: ->(value) { value.size == 100 } do
      prepare = ->(redis) { redis.call('HSET', 'bench:hash', (0...100).to_h { |i| ["field#{i}", "value#{i}"] }) }
      contender('Polyphony::Redis', on: :polyphony) do |stage|
        redis = RedisRows.shared(stage, true, &prepare)
        ->(_unit) { redis.call('HGETALL', 'bench:hash') }
      end
      { 'redis-client, our driver' => [:polyphony, :polyphony], 'redis-client, its Ruby driver' => [:ruby, :polyphony],
        'hiredis-client, threads' => [:hiredis, :threads] }.each do |name, (driver, on)|
        contender(name, on: on) do |stage|
          clients = RedisRows.clients(stage, driver, &prepare)
          ->(unit) { clients[unit].call('HGETALL', 'bench:hash') }
        end
      end
    end
  end
end
