# frozen_string_literal: true

require 'timeout'
require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, '#transaction', :postgres, :fibers do
  let(:db) { database(size: 4, settings: { client_min_messages: 'warning' }) }
  let(:name) { table('a int UNIQUE') }

  def rows = db.query("SELECT a FROM #{name} ORDER BY a").column_values(0).map(&:to_i)

  def add(to, value) = to.query("INSERT INTO #{name} VALUES ($1)", value)

  it 'commits at the end of the block, whose value it gives' do
    expect(db.transaction { |tx| add(tx, 1) && :value }).to eq(:value)
    db.transaction { |tx| add(tx, 2) && break }
    expect(rows).to eq([1, 2])
  end

  it 'rolls back after an error, which goes on, and after a stop or a limit' do
    expect { db.transaction { |tx| add(tx, 1) && raise(IOError, 'x') } }.to raise_error(IOError, 'x')
    waiting { db.transaction { |tx| add(tx, 2) && sleep } }.stop
    move_on_after(0.05) { db.transaction { |tx| add(tx, 3) && sleep } }
    expect { Timeout.timeout(0.05) { db.transaction { |tx| add(tx, 4) && tx.query(slow) } } }.to raise_error(Timeout::Error)
    expect(db.transaction { |tx| add(tx, 5) && tx.rollback }).to be_nil
    expect(rows).to eq([])
    expect(running(slow)).to eq(0)
    expect(db.stats).to include(in_use: 0, discarded: 0)
  end

  it 'is the fiber\'s: its queries by the database are part of it, other fibers are not in it' do
    db.transaction do |tx|
      add(db, 1)
      expect(rows).to eq([1])
      expect(waiting { rows }.await).to eq([])
      expect(waiting { error_of { tx.query('SELECT 1') } }.await).to be_a(described_class::Busy)
    end
    expect(rows).to eq([1])
  end

  it 'refuses to be used after its end, or while there is one in it' do
    kept = nil
    db.transaction do |tx|
      kept = tx
      tx.transaction { expect { tx.query('SELECT 1') }.to raise_error(described_class::Busy, /use that one/) }
    end
    expect { kept.query('SELECT 1') }.to raise_error(described_class::Busy, /its block has ended/)
    expect(kept.inspect).to include('ended')
  end

  it 'is a savepoint in another: what fails in it is undone alone' do
    db.transaction do |tx|
      add(tx, 1)
      expect { tx.transaction { |inner| add(inner, 2) && add(inner, 1) } }.to raise_error(PG::UniqueViolation)
      db.transaction { |inner| add(inner, 3) && inner.transaction { |third| add(third, 4) && third.rollback } }
      add(tx, 5)
    end
    expect(rows).to eq([1, 3, 5])
  end

  it 'does not pretend to have committed when the block went on after an error' do
    expect do
      db.transaction do |tx|
        add(tx, 1)
        error_of { tx.query('SELECT 1/0') }
      end
    end.to raise_error(described_class::NotCommitted, /nothing was written. .*savepoint/)
    expect(rows).to eq([])
  end

  it 'raises what only the COMMIT finds out' do
    other = table("a int REFERENCES #{name} (a) DEFERRABLE INITIALLY DEFERRED")
    expect { db.transaction { |tx| tx.query("INSERT INTO #{other} VALUES (7)") } }.to raise_error(PG::ForeignKeyViolation)
    expect(db.stats).to include(in_use: 0, discarded: 0)
  ensure
    db.exec("DROP TABLE #{other}")
  end

  it 'takes isolation, access mode and deferrable, for the outermost' do
    db.transaction(isolation: :serializable, read_only: true, deferrable: true) do |tx|
      expect(%w[transaction_isolation transaction_read_only transaction_deferrable].map { |name| tx.value("SHOW #{name}") }).to eq(%w[serializable on on])
      expect { tx.transaction(isolation: :serializable) { nil } }.to raise_error(ArgumentError, /for the outermost transaction/)
    end
    expect { db.transaction(read_only: true) { |tx| add(tx, 1) } }.to raise_error(PG::ReadOnlySqlTransaction)
    expect { db.transaction(isolation: :snapshot) { nil } }.to raise_error(ArgumentError, /isolation is one of/)
    expect { db.transaction(retries: -1) { nil } }.to raise_error(ArgumentError, /retries is how often/)
  end

  describe 'with retries' do
    # Two that read what the other writes: one of them cannot be serialized.
    def conflict(retries)
      runs = 0
      both = Polyphony::Barrier.new(2)
      Polyphony::Fiber.await(*Array.new(2) do |i|
        spin do
          db.transaction(isolation: :serializable, retries: retries) do |tx|
            runs += 1
            count = tx.value("SELECT count(*) FROM #{name}")
            both.wait if runs <= 2
            add(tx, (count.to_i * 10) + i)
          end
        end
      end)
      runs
    end

    it 'runs the block again after a serialization failure' do
      expect(conflict(5)).to eq(3)
      expect(rows.size).to eq(2)
    end

    it 'gives up when that is not enough' do
      expect { conflict(0) }.to raise_error(PG::TRSerializationFailure)
    end

    it 'does not run it again after other errors' do
      runs = 0
      expect { db.transaction(retries: 3) { |tx| (runs += 1) && tx.query('SELECT 1/0') } }.to raise_error(PG::DivisionByZero)
      expect(runs).to eq(1)
    end
  end

  describe 'while it commits' do
    # A trigger that takes its time at COMMIT.
    def slow_commit(seconds)
      db.exec(<<~SQL)
        CREATE FUNCTION slow_#{name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(#{seconds}); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON #{name} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_#{name}()
      SQL
      yield
    ensure
      db.exec("DROP FUNCTION IF EXISTS slow_#{name}() CASCADE")
    end

    it 'is not interrupted: the stop comes after it' do
      slow_commit(0.3) do
        after = []
        fiber = waiting do
          db.transaction { |tx| add(tx, 1) }
          after << :committed
          sleep
        end
        wait_until { running('COMMIT') == 1 }
        fiber.stop
        expect([after, rows]).to eq([[:committed], [1]])
      end
    end

    it 'is given up when the answer does not come; what became of it is not known, and the connection is gone' do
      db = database(size: 1, cleanup_timeout: 0.1)
      slow_commit(1) do
        error = nil
        fiber = waiting { error = error_of { db.transaction { |tx| add(tx, 1) } } }
        wait_until { running('COMMIT') == 1 }
        fiber.stop
        expect(error).to be_a(described_class::CommitUnknown)
        expect(db.stats).to include(size: 0, discarded: 1)
        wait_until { running('COMMIT').zero? }
      end
    end

    it 'is unknown when the connection is lost' do
      slow_commit(100) do
        error = nil
        waiting { error = error_of { db.transaction { |tx| add(tx, 1) } } }
        wait_until { running('COMMIT') == 1 }
        onlooker.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'")
        wait_until { error }
        expect(error).to be_a(described_class::CommitUnknown).or(be_a(PG::AdminShutdown))
      end
    end
  end
end
