# frozen_string_literal: true

require 'timeout'
require 'uri'
require 'polyphony/adapters/active_record'
require_relative '../../support/fibers'
require_relative '../../support/orm'

RSpec.describe Polyphony::ActiveRecord, :fibers do
  include Support::ORM

  shared_examples 'a database for fibers' do |kind|
    let(:base) { establish(pool: 5, checkout_timeout: 30) }
    let(:number) { Class.new(base) { self.table_name = 'polyphony_ar' } }

    def establish(**options)
      stub_const('PolyphonySpecBase', Class.new(ActiveRecord::Base) { self.abstract_class = true })
      PolyphonySpecBase.tap { |base| base.establish_connection(configuration.merge(options)) }
    end

    before do
      base.with_connection do |connection|
        connection.execute('drop table if exists polyphony_ar')
        connection.create_table(:polyphony_ar) { |t| t.integer :value }
      end
    end

    after { base.remove_connection }

    define_method(:endless) do |connection = nil|
      next base.with_connection { |fresh| endless(fresh) } unless connection

      connection.select_value(Support::ORM::ENDLESS[kind])
    end

    it 'serves 200 fibers by five connections, each with a transaction of its own' do
      fibers = Array.new(200) do |n|
        spin do
          number.transaction do
            id = number.create!(value: n).id
            Polyphony.snooze
            number.where(id: id).pick(:value)
          end
        end
      end
      expect(fibers.map(&:await)).to eq((0...200).to_a)
      expect([number.count, base.connection_pool.stat]).to match([200, include(busy: 0, dead: 0)])
      expect(base.connection_pool.stat[:connections]).to be <= 5
    end

    it 'ends a query with its fiber, and lets others run meanwhile' do
      fibers = Array.new(3) { waiting { endless } }
      settle_a_little
      expect(fibers.map(&:alive?)).to eq([true] * 3)
      number.create!(value: 1)
      fibers.each(&:stop)
      expect(Array.new(5) { spin { number.pick(:value) } }.map(&:await)).to eq([1] * 5)
      expect(move_on_after(0.05, with_value: :late) { endless }).to eq(:late)
      expect { Timeout.timeout(0.05) { endless } }.to raise_error(Timeout::Error)
      expect([number.count, base.connection_pool.stat]).to match([1, include(busy: 0)])
    end

    it 'rolls back what is stopped, what fails, and what is cut in the midst of a query' do
      waiting { number.transaction { number.create!(value: 1) && sleep } }.stop
      fiber = waiting { number.transaction { number.create!(value: 2) && base.with_connection { |c| endless(c) } } }
      settle_a_little
      fiber.stop
      expect { number.transaction { number.create!(value: 3) && raise('no') } }.to raise_error('no')
      number.transaction { number.create!(value: 4) && raise(ActiveRecord::Rollback) }
      expect { base.with_connection { |c| c.execute('selekt') } }.to raise_error(ActiveRecord::StatementInvalid)
      number.transaction { number.create!(value: 5) }
      expect([number.pluck(:value), base.connection_pool.stat]).to match([[5], include(busy: 0)])
    end

    it 'serves a thread that has no fibers, and gives it no scheduler' do
      long = { postgres: 'select 1 from pg_sleep(0.01)', sqlite: Support::ORM::ENDLESS[:sqlite].sub(/n\z/, '(select x from n limit 100000)') }
      got = Thread.new do
        base.with_connection { |c| c.select_value(long.fetch(kind)) }
        cut = begin
          Timeout.timeout(0.05) { endless } if kind == :postgres
        rescue Timeout::Error
          :cut
        end
        [number.count, cut, Fiber.scheduler]
      end.value
      expect(got).to eq([0, (:cut if kind == :postgres), nil])
    end

    it 'waits for a connection at most so long, and can be stopped meanwhile' do
      small = establish(pool: 1, checkout_timeout: 0.05)
      go_on = Polyphony::Event.new
      holder = waiting { small.with_connection { go_on.wait } }
      expect(spin { error_of { small.with_connection { |c| c.select_value('select 1') } } }.await).to be_a(ActiveRecord::ConnectionTimeoutError)
      go_on.set
      holder.await
      next if RUBY_VERSION < '3.3' # whose condition variables leave their mutex unlocked: docs/stock-apis.md, note 9

      patient = establish(pool: 1, checkout_timeout: 30)
      kept = waiting { patient.with_connection { sleep } }
      waiting { patient.with_connection { log << :never } }.stop
      kept.stop
      expect([patient.with_connection { |c| c.select_value('select 2') }, log]).to eq([2, []])
    end

    it 'gets back the connection of a fiber that ended without giving it back' do
      small = establish(pool: 1, checkout_timeout: 30)
      spin { small.lease_connection.select_value('select 1') }.await
      expect(small.connection_pool.stat).to include(dead: 1)
      expect(spin { small.with_connection { |c| c.select_value('select 2') } }.await).to eq(2)
    end
  end

  context 'with PostgreSQL' do
    def configuration
      need_postgres
      uri = URI.parse(ENV.fetch('DATABASE_URL'))
      { adapter: 'polyphony_postgresql', host: uri.host, port: uri.port, username: uri.user, database: uri.path.delete_prefix('/') }
    end

    it_behaves_like 'a database for fibers', :postgres

    it 'leaves no connection in a transaction, whenever in its course a fiber is stopped' do
      base = Class.new(ActiveRecord::Base) { self.abstract_class = true }
      stub_const('PolyphonySpecBase', base)
      base.establish_connection(configuration.merge(pool: 1))
      60.times do |n|
        fiber = spin { base.transaction { base.with_connection { |c| c.select_value('select 1') && sleep } } }
        n.times { Polyphony.snooze }
        fiber.stop
        status = base.with_connection { |c| c.select_value('select 1') && c.raw_connection.transaction_status }
        expect(status).to eq(PG::PQTRANS_IDLE)
      end
    ensure
      base&.remove_connection
    end
  end

  context 'with SQLite' do
    def configuration = { adapter: 'polyphony_sqlite3', database: File.join(folder, 'test.db'), default_transaction_mode: :immediate, timeout: 30_000 }

    it_behaves_like 'a database for fibers', :sqlite
  end

  it 'waits for a database that is locked as the loop waits, and as long as timeout: says' do
    base = Class.new(ActiveRecord::Base) { self.abstract_class = true }
    stub_const('PolyphonySpecBase', base)
    base.establish_connection(adapter: 'polyphony_sqlite3', database: File.join(folder, 'test.db'), timeout: 50)
    base.with_connection { |c| c.execute('create table t (a)') }
    other = SQLite3::Database.new(File.join(folder, 'test.db'))
    other.execute('begin immediate')
    fiber = waiting { error_of { base.with_connection { |c| c.execute('insert into t values (1)') } } }
    settle_a_little
    expect(fiber.await).to be_a(ActiveRecord::StatementTimeout).or be_a(ActiveRecord::StatementInvalid)
    other.execute('commit')
    base.with_connection { |c| c.execute('insert into t values (2)') }
    expect(base.with_connection { |c| c.select_values('select a from t') }).to eq([2])
  ensure
    other&.close
    base&.remove_connection
  end

  it 'sets the level of isolation that Rails has for it' do
    expect(ActiveSupport::IsolatedExecutionState.isolation_level).to eq(:fiber)
  end
end
