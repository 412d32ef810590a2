# frozen_string_literal: true

require 'polyphony/adapters/trilogy'
require_relative '../../support/fibers'
require_relative '../../support/mysql'

RSpec.describe 'transactions of Polyphony::Trilogy', :fibers do
  include Support::MySQL

  before { table('t', 'id int primary key auto_increment, a int') }

  def add(value) = db.query('insert into t(a) values (?)', value)
  def all = db.query('select a from t order by id').rows.flatten

  it "are their fiber's: others neither see nor take part in them" do
    inside = Polyphony::Event.new
    go_on = Polyphony::Event.new
    writer = spin do
      db.transaction do
        add(1)
        before = all
        inside.set
        go_on.wait
        [before, all]
      end
    end
    inside.wait
    spin { add(2) }.await
    expect(all).to eq([2])
    go_on.set
    expect([writer.await, all]).to eq([[[1], [1]], [1, 2]])
  end

  it 'are rolled back by errors, stops and time limits, and their connection is used again' do
    expect { db.transaction { add(1) && raise('no') } }.to raise_error('no')
    expect(move_on_after(0.05) { db.transaction { add(2) && sleep } }).to be_nil
    catch(:out) { db.transaction { add(3) && throw(:out) } }
    expect(db.transaction { add(4) && raise(Polyphony::Trilogy::Rollback) }).to be_nil
    expect([all, db.stats]).to match([[], include(made: 1)])
    fiber = waiting { db.transaction { add(5) && db.query('select sleep(1000)') } }
    wait_until { running('select sleep').positive? }
    fiber.stop
    expect([db.transaction { add(6) && :value }, all]).to eq([:value, [6]])
  end

  it 'nest as savepoints' do
    db.transaction do
      add(1)
      db.transaction { add(2) && raise(Polyphony::Trilogy::Rollback) }
      db.transaction { db.transaction { add(3) } }
    end
    expect(all).to eq([1, 3])
  end

  it 'have an isolation' do
    level = db.transaction(isolation: :serializable) do
      db.query('select * from t')
      db.value('select trx_isolation_level from information_schema.innodb_trx where trx_mysql_thread_id = connection_id()')
    end
    expect(level).to eq('SERIALIZABLE')
    expect { db.transaction(isolation: :high) { nil } }.to raise_error(ArgumentError, /isolation is one of/)
    expect { db.transaction { db.transaction(isolation: :serializable) { nil } } }.to raise_error(ArgumentError, /where it begins/)
  end

  it 'are lost with their connection, which is said again until they end' do
    expect do
      db.transaction do
        add(1)
        number = db.value('select connection_id()')
        spin { db.query("kill #{number}") }.await
        expect { add(2) }.to raise_error(Trilogy::ConnectionError)
        add(3)
      end
    end.to raise_error(Polyphony::Trilogy::TransactionLost, /run all of it again/)
    expect(all).to eq([])
  end

  it 'go on after a lock that was not to be had' do
    add(1)
    other = open_database
    other.transaction do
      other.query('update t set a = 2')
      db.transaction do
        db.query('set innodb_lock_wait_timeout = 1')
        expect { db.query('update t set a = 3') }.to raise_error(Trilogy::TimeoutError, /1205/)
        expect(db.value('select a from t')).to eq(1)
      end
    end
    expect([all, db.stats]).to match([[2], include(made: 1)])
  end
end
