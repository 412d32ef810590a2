# frozen_string_literal: true

require 'timeout'
require 'polyphony/adapters/sequel'
require_relative '../../support/fibers'
require_relative '../../support/orm'

RSpec.describe Polyphony::Sequel, :fibers do
  include Support::ORM

  shared_examples 'a database for fibers' do |kind|
    let(:db) { connect(max_connections: 5) }

    before do
      db.drop_table?(:polyphony_sequel)
      db.create_table(:polyphony_sequel) do
        primary_key :id
        Integer :number
      end
    end

    after do
      db.drop_table?(:polyphony_sequel)
      db.disconnect
    end

    def numbers = db[:polyphony_sequel]

    it 'serves 200 fibers by five connections, each with a transaction of its own' do
      fibers = Array.new(200) do |n|
        spin do
          db.transaction do
            id = numbers.insert(number: n)
            Polyphony.snooze
            numbers.where(id: id).get(:number)
          end
        end
      end
      expect(fibers.map(&:await)).to eq((0...200).to_a)
      expect([numbers.count, db.pool.size <= 5]).to eq([200, true])
    end

    it 'ends a query with its fiber, and lets others run meanwhile' do
      fibers = Array.new(3) { waiting { db.fetch(Support::ORM::ENDLESS[kind]).first } }
      settle_a_little
      expect(fibers.map(&:alive?)).to eq([true] * 3)
      numbers.insert(number: 1)
      fibers.each(&:stop)
      expect(Array.new(5) { spin { numbers.get(:number) } }.map(&:await)).to eq([1] * 5)
      expect(move_on_after(0.05, with_value: :late) { db.fetch(Support::ORM::ENDLESS[kind]).first }).to eq(:late)
      expect { Timeout.timeout(0.05) { db.fetch(Support::ORM::ENDLESS[kind]).first } }.to raise_error(Timeout::Error)
      expect(numbers.count).to eq(1)
    end

    it 'rolls back what is stopped, what fails, and what is cut in the midst of a query' do
      waiting { db.transaction { numbers.insert(number: 1) && sleep } }.stop
      fiber = waiting { db.transaction { numbers.insert(number: 2) && db.fetch(Support::ORM::ENDLESS[kind]).first } }
      settle_a_little
      fiber.stop
      expect { db.transaction { numbers.insert(number: 3) && raise('no') } }.to raise_error('no')
      db.transaction { numbers.insert(number: 4) && raise(Sequel::Rollback) }
      expect { db.run('selekt') }.to raise_error(Sequel::DatabaseError)
      db.transaction { numbers.insert(number: 5) }
      expect(numbers.select_map(:number)).to eq([5])
    end

    it 'serves a thread that has no fibers' do
      long = { postgres: 'select 1 from pg_sleep(0.01)', sqlite: Support::ORM::ENDLESS[:sqlite].sub(/n\z/, '(select x from n limit 100000)') }
      got = Thread.new do
        db.fetch(long.fetch(kind)).first
        cut = begin
          Timeout.timeout(0.05) { db.fetch(Support::ORM::ENDLESS[kind]).first } if kind == :postgres
        rescue Timeout::Error
          :cut
        end
        [numbers.count, cut]
      end.value
      expect(got).to eq([0, (:cut if kind == :postgres)])
    end

    it 'waits for a connection at most so long, and can be stopped meanwhile' do
      small = connect(max_connections: 1, pool_timeout: 0.05)
      go_on = Polyphony::Event.new
      holder = waiting { small.synchronize { go_on.wait } }
      expect(spin { error_of { small.get(1) } }.await).to be_a(Sequel::PoolTimeout)
      go_on.set
      holder.await
      patient = connect(max_connections: 1)
      kept = waiting { patient.synchronize { sleep } }
      stopped = waiting { patient.get(1) }
      stopped.stop
      kept.stop
      expect([small.get(1), patient.get(2)]).to eq([1, 2])
    ensure
      [small, patient].each(&:disconnect)
    end
  end

  context 'with PostgreSQL' do
    def connect(**options)
      need_postgres
      described_class.connect(ENV.fetch('DATABASE_URL'), pool_timeout: 30, **options)
    end

    it_behaves_like 'a database for fibers', :postgres

    it 'leaves no connection in a transaction, whenever in its course a fiber is stopped' do
      db = connect(max_connections: 1)
      60.times do |n|
        fiber = spin { db.transaction { db.get(1) && sleep } }
        n.times { Polyphony.snooze }
        fiber.stop
        expect(db.synchronize(&:transaction_status)).to eq(PG::PQTRANS_IDLE)
      end
    ensure
      db&.disconnect
    end
  end

  context 'with SQLite' do
    def connect(**options)
      described_class.connect(adapter: 'sqlite', database: File.join(folder, 'test.db'), timeout: 30_000, pool_timeout: 30, **options).tap do |db|
        db.run('PRAGMA journal_mode = wal')
        db.transaction_mode = :immediate # else two that have read cannot both write
      end
    end

    it_behaves_like 'a database for fibers', :sqlite

    it 'waits as the loop waits while another has locked the database' do
      db = connect
      db.run('create table t(a)')
      other = SQLite3::Database.new(File.join(folder, 'test.db'))
      other.execute('begin immediate')
      fiber = waiting { db[:t].insert(a: 1) }
      settle_a_little
      expect(fiber.alive?).to be(true)
      other.execute('commit')
      fiber.await
      expect(db[:t].count).to eq(1)
    ensure
      other.close
      db.disconnect
    end
  end

  it 'goes on with a connection that it holds while the others are closed' do
    db = described_class.connect(adapter: 'sqlite', database: File.join(folder, 'test.db'))
    db.synchronize do
      db.disconnect
      expect { db.run('selekt') }.to raise_error(Sequel::DatabaseError)
    end
    expect([db.get(Sequel.lit('1')), db.pool.size, db.pool.num_waiting, db.pool.max_size, db.pool.pool_type]).to eq([1, 1, 0, 4, :polyphony])
  ensure
    db&.disconnect
  end

  it 'takes a block as Sequel does' do
    expect(described_class.connect(adapter: 'sqlite', database: ':memory:') { |db| db.get(Sequel.lit('1 + 1')) }).to eq(2)
  end
end
