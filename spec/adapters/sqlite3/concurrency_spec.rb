# frozen_string_literal: true

require 'timeout'
require 'polyphony/adapters/sqlite3'
require_relative '../../support/fibers'
require_relative '../../support/sqlite3'

RSpec.describe Polyphony::SQLite3, :fibers do
  include Support::SQLite3

  before { db.execute('create table t(a integer primary key, b)') }

  def endless = db.value("#{counting} select max(x) from n")

  it 'lets the loop go on while a query computes, and ends it when its fiber is stopped' do
    fiber = waiting { endless }
    settle_a_little # never comes to its end if the query holds the loop
    expect(fiber.alive?).to be(true)
    fiber.stop
    expect([db.stats[:readers][:in_use], db.value('select 1')]).to eq([0, 1])
  end

  it 'lets several queries go on side by side' do
    fibers = Array.new(3) { waiting { endless } }
    others = Array.new(5) { |n| spin { db.execute('insert into t(b) values (?)', n) } }
    others.each(&:await)
    fibers.each(&:stop)
    expect(db.value('select count(*) from t')).to eq(5)
  end

  it 'ends queries by time limits, errors and cancels', timeout: 30 do
    expect(move_on_after(0.01, with_value: :late) { endless }).to eq(:late)
    expect { cancel_after(0.01) { endless } }.to raise_error(Polyphony::Cancel)
    expect { Timeout.timeout(0.01) { endless } }.to raise_error(Timeout::Error)
    expect { Timeout.timeout(0.01) { db.each("#{counting} select x from n where x % 1000000000 = 0") { nil } } }.to raise_error(Timeout::Error)
    fiber = waiting { endless }
    settle_a_little
    fiber.raise('enough')
    expect { fiber.await }.to raise_error(RuntimeError, 'enough')
    expect([db.stats[:readers][:in_use], db.value('select 1')]).to eq([0, 1])
  end

  it 'leaves a shielded query alone' do
    limit = 300_000
    fiber = waiting { Polyphony.shield { log << db.value("#{counting} select count(*) from (select x from n limit #{limit})") } }
    fiber.stop
    expect(log).to eq([limit])
  end

  it 'serves 200 fibers by five connections' do
    fibers = Array.new(200) do |n|
      spin do
        db.execute('insert into t(a, b) values (?, ?)', n, "row #{n}")
        Polyphony.snooze
        db.value('select b from t where a = ?', n)
      end
    end
    expect(fibers.map(&:await)).to eq(Array.new(200) { |n| "row #{n}" })
    expect(db.stats).to match(writer: include(size: 1, in_use: 0), readers: include(in_use: 0))
  end

  it 'waits for the writing connection in order, and at most so long' do
    impatient = open_database(timeout: 0.01)
    order = []
    impatient.transaction do
      fibers = Array.new(3) { |n| spin { error_of { impatient.transaction { order << n } } } }
      expect(fibers.map(&:await)).to all(be_a(Polyphony::TimeoutError))
    end
    patient = open_database(timeout: nil)
    patient.transaction do
      3.times { |n| waiting { patient.transaction { order << n } } }
    end
    wait_until { order.size == 3 }
    expect(order).to eq([0, 1, 2])
  end

  context 'when another connection has locked the database' do
    let(:other) { SQLite3::Database.new(file) }

    before { other.execute('begin immediate') }
    after { other.close }

    it 'waits as the loop waits' do
      fiber = waiting { db.execute('insert into t(b) values (1)').changes }
      settle_a_little
      expect([fiber.alive?, db.value('select count(*) from t')]).to eq([true, 0])
      other.execute('commit')
      expect(fiber.await).to eq(1)
    end

    it 'gives up after busy_timeout, and is not harmed' do
      hasty = open_database(busy_timeout: 0.01)
      expect { hasty.execute('insert into t(b) values (1)') }.to raise_error(SQLite3::BusyException)
      expect { hasty.transaction { nil } }.to raise_error(SQLite3::BusyException)
      other.execute('commit')
      expect(hasty.transaction { hasty.execute('insert into t(b) values (1)').changes }).to eq(1)
    end

    it 'can be stopped while it waits' do
      fiber = waiting { db.transaction { log << :in } }
      settle_a_little
      fiber.stop
      other.execute('commit')
      db.transaction { log << :next }
      expect(log).to eq([:next])
    end
  end

  it 'is shared by threads, each with a loop of its own' do
    threads = Array.new(3) do |thread|
      Polyphony::Thread.new { Array.new(10) { |n| Polyphony.spin { db.execute('insert into t(b) values (?)', (10 * thread) + n) } }.each(&:await) }
    end
    threads.each(&:join)
    expect(db.query('select b from t order by b').rows.flatten).to eq((0...30).to_a)
  end

  it 'leaves nothing behind after 10,000 operations' do
    work = proc do
      20.times { |n| db.execute('insert or replace into t values (?, ?)', n, n) }
      db.query('select * from t').rows.size
    end
    5.times(&work)
    GC.start
    before = ObjectSpace.each_object(SQLite3::Statement).count
    500.times(&work)
    expect(ObjectSpace.each_object(SQLite3::Statement).count).to be <= before
    expect(db.stats).to match(writer: include(made: 1), readers: include(size: 1))
  end
end
