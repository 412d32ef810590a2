# frozen_string_literal: true

# Measures the adapters against the same gems on other schedulers, and on threads: `rake bench[:adapters]`. `--help`
# tells how. PostgreSQL, Redis and MariaDB are started for it unless DATABASE_URL, REDIS_URL and MYSQL_URL are set.
#
# Each server has a file of rows here (postgres.rb, redis.rb, …). A row is one operation, done by +units+ fibers or
# threads at the same time; its contenders are different ways to do it:
#
#   Bench::Adapters.row 'redis_get', 'GET of 100 bytes', unit: 'command', check: ->(value) { value.bytesize == 100 } do
#     contender 'polyphony, pipelined', on: :polyphony do |stage|
#       require 'polyphony/adapters/redis'
#       redis = Polyphony::Redis.new(url: ENV.fetch('REDIS_URL'), size: stage.units)
#       redis.call('SET', 'bench', 'x' * 100)
#       stage.at_end { redis.close }
#       ->(_unit) { redis.call('GET', 'bench') }
#     end
#     contender 'redis-client on async', on: :async do |stage| … end
#     contender 'redis-client on threads', on: :threads do |stage| … end
#   end
#
# - `on:` is where the block, and the units, run: :polyphony (Polyphony.run), :polyphony_stock (Fiber.schedule on
#   Polyphony::Scheduler and nothing else of ours), :async (Sync), :threads.
# - The block prepares, unmeasured, and gives what is called for each operation, with the unit's number (0...units).
#   What it returned last in each unit is given to the row's `check:`, which must be true.
# - The first contender of a row is the one that the others are compared with. Each runs in a process of its own, from
#   which a LoadError (a gem that is not installed) makes it a missing one; all rounds are interleaved and shuffled.
# - `row.units` is 50 unless the row says `units:`; `wanted:` (a rate) or `over: 3` (times the second contender's) is
#   the bar.
require_relative 'row'
require_relative 'options'
require_relative 'runner'
require_relative 'report'
require_relative '../support/section'

module Bench
  module Adapters
    def self.main(argv)
      options = Options.new(argv)
      return list if options.list?

      Servers.run_below(__FILE__, argv) unless Servers.running?(options.rows)
      before = Machine.load
      results = Runner.new(options).run
      report = Report.new(results, options: options, loads: [before, Machine.load], argv: argv)
      puts report.tables
      return unless options.write?

      Section.write(options.out || RESULTS, report.to_s)
      warn "written to #{options.out || RESULTS}"
    end

    def self.list
      Row::ALL.each_value do |row|
        puts format('%-16s %s', row.id, row.title)
        row.contenders.each_key { |name| puts "  #{name}" }
      end
    end
  end
end

Bench::Adapters.main(ARGV)
