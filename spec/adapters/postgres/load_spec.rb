# frozen_string_literal: true

require 'objspace'
require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, 'under load', :postgres, :fibers do
  def descriptors = Dir.children('/proc/self/fd').size

  def settle_memory
    4.times { GC.start }
    ObjectSpace.count_objects.then { |counts| counts[:TOTAL] - counts[:FREE] }
  end

  it 'has fifty queries under way at a time, over fifty connections, and other fibers go on beside them' do
    db = database(size: 50, timeout: 30)
    db.connect(50)
    ticks = 0
    ticker = spin { loop { sleep(0.001) && ticks += 1 } }
    most = 0
    queries = Array.new(50) { spin { db.query("SELECT pg_sleep(0.2) /* fifty #{object_id} */") } }
    until queries.none?(&:alive?)
      before = ticks
      most = [most, running("SELECT pg_sleep(0.2) /* fifty #{object_id} */")].max
      wait_until { ticks > before }
    end
    queries.each(&:await)
    expect(most).to eq(50)
    expect(ticks).to be > 10
    ticker.stop
  end

  # One of everything that there is.
  def round(db, name, i)
    case i % 10
    when 0 then db.transaction { |tx| tx.query("INSERT INTO #{name} VALUES ($1)", i) && tx.rollback }
    when 1 then error_of { db.query('SELECT 1/0') }
    when 2 then db.pipelined.value('SELECT $1::int', i)
    when 3 then db.each_row('SELECT * FROM generate_series(1, 3)').first
    when 4 then db.copy_out('COPY (SELECT 1) TO STDOUT') { nil }
    when 5 then i % 200 == 5 ? move_on_after(0.001) { db.query('SELECT pg_sleep(10)') } : db.notify('nobody', i)
    when 6 then i % 200 == 6 ? spin { db.query('SELECT pg_sleep(10)') }.tap { snooze }.stop : db.value('SELECT 1')
    when 7 then i % 500 == 7 ? db.listen('x', ready: -> { db.notify('x') }) { break } : db.row('SELECT 1 AS a')
    else db.query('SELECT $1::int', i, as: :values)
    end
  end

  def rounds(db, name, count)
    numbers = (0...count).each
    Array.new(20) do
      spin do
        loop { round(db, name, numbers.next) }
      end
    end.each(&:await)
  end

  it 'leaves nothing behind after ten thousand operations: no connection, descriptor, fiber or object', timeout: 120 do
    db = database(size: 5, timeout: 60)
    name = table('a int')
    rounds(db, name, 1000)
    objects = settle_memory
    before = [descriptors, Polyphony::Scheduler.current.live, db.stats[:size]]
    rounds(db, name, 10_000)
    expect(settle_memory - objects).to be < 3000
    expect([descriptors, Polyphony::Scheduler.current.live, db.stats[:size]]).to eq(before)
    expect(db.stats).to include(in_use: 0, waiting: 0, under_way: 0, listening: 0, discarded: 0)
    expect(described_class.const_get(:Forks).size).to be <= 7 # five, the pipeline's, the onlooker's
  end

  it 'goes on while memory is moved and collected' do
    skip 'no compaction on this Ruby' unless GC.respond_to?(:compact)

    db = database(size: 5)
    name = table('a int')
    mover = spin do
      10.times do
        GC.compact
        sleep 0.001
      end
    end
    rounds(db, name, 300) while mover.alive?
    results = Array.new(200) { |i| spin { [db.value('SELECT $1::int', i, types: true), db.pipelined.value('SELECT $1::int', i, types: true)] } }.map(&:await)
    expect(results).to eq(Array.new(200) { |i| [i, i] })
  end

  it 'serves fibers of several threads from one pool' do
    db = database(size: 3, timeout: 30)
    sums = Array.new(4) do
      Thread.new do
        Polyphony.run { Array.new(50) { |i| Polyphony.spin { db.value('SELECT $1::int', i, types: true) } }.sum(&:await) }
      end
    end.map(&:value)
    expect(sums).to eq([1225] * 4)
    expect(db.stats).to include(in_use: 0, discarded: 0, size: be <= 3)
  end
end
