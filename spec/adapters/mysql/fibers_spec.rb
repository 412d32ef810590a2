# frozen_string_literal: true

require 'polyphony/adapters/trilogy'
require_relative '../../support/fibers'
require_relative '../../support/mysql'

RSpec.describe Polyphony::Trilogy, :fibers do
  include Support::MySQL

  it 'waits for many answers at a time' do
    pool = open_database(size: 30)
    fibers = Array.new(30) { |n| waiting { pool.query('select sleep(1000), ?', n) } }
    wait_until { running('select sleep') == 30 }
    fibers.map { |fiber| spin { fiber.stop } }.each(&:await)
    wait_until { running('select sleep').zero? }
    expect(pool.stats).to include(size: 0, in_use: 0)
  end

  it 'serves 200 fibers by five connections, with a transaction for each' do
    table('numbers', 'n int primary key')
    pool = open_database(size: 5)
    fibers = Array.new(200) do |n|
      spin do
        pool.transaction do
          pool.query('insert into numbers values (?)', n)
          Polyphony.snooze
          pool.value('select n from numbers where n = ?', n)
        end
      end
    end
    expect(fibers.map(&:await)).to eq((0...200).to_a)
    expect([pool.stats, db.value('select count(*) from numbers')]).to match([include(size: 5, made: 5, in_use: 0), 200])
  end

  it 'has the server kill the query of a fiber that is stopped, and gives the connection to nobody' do
    # Unlike sleep(), it goes on when its client has gone.
    fiber = waiting { db.query("select benchmark(1000000000, md5('x'))") }
    wait_until { running('select benchmark').positive? }
    fiber.stop
    wait_until { running('select benchmark').zero? }
    expect([db.value('select 1'), db.stats]).to match([1, include(in_use: 0, discarded: 1)])
  end

  it 'does so for time limits, and for errors that are raised in the fiber' do
    expect(move_on_after(0.05, with_value: :late) { db.query('select sleep(1000)') }).to eq(:late)
    expect { cancel_after(0.05) { db.query('select sleep(1000)') } }.to raise_error(Polyphony::Cancel)
    fiber = waiting { db.query('select sleep(1000)') }
    wait_until { running('select sleep').positive? }
    fiber.raise('enough')
    expect { fiber.await }.to raise_error(RuntimeError, 'enough')
    wait_until { running('select sleep').zero? }
    expect(db.stats).to include(in_use: 0)
  end

  it 'waits for a connection in order, and at most so long' do
    pool = open_database(size: 1, timeout: 0.01)
    pool.connection { expect(spin { error_of { pool.query('select 1') } }.await).to be_a(Polyphony::TimeoutError) }
    expect(pool.value('select 1')).to eq(1)
  end

  it 'leaves nothing of one fiber to another' do
    pool = open_database(size: 1)
    pool.connection { |raw| raw.query('begin') }
    expect([pool.value('select @@in_transaction'), pool.stats[:made]]).to eq([0, 2])
    expect { pool.connection { |raw| raw.query('begin') && raw.query('selekt') } }.to raise_error(Trilogy::QueryError)
    expect([pool.value('select @@in_transaction'), pool.stats[:made]]).to eq([0, 3])
  end

  it 'closes' do
    db.query('select 1')
    db.close
    expect([db.closed?, db.inspect]).to match([true, / closed /])
    expect { db.query('select 1') }.to raise_error(Polyphony::Closed)
  end

  it 'makes connections of its own in a forked child' do
    result = run_ruby(<<~RUBY)
      require 'polyphony/core'
      require 'polyphony/adapters/trilogy'
      Polyphony.run do
        db = Polyphony::Trilogy.new(ENV.fetch('MYSQL_URL'))
        mine = db.value('select connection_id()')
        Process.wait(fork { puts db.value('select connection_id()') != mine })
        db.transaction { Process.wait(fork { db.value('select 1') rescue puts($!.message) }) }
        puts db.value('select connection_id()') == mine
      end
    RUBY
    expect([result.stdout, result.stderr]).to match([/\Atrue\n.* before the fork.*\ntrue\n\z/, ''])
  end

  it 'leaves nothing behind after 10,000 operations' do
    pool = open_database(size: 4)
    work = proc { |times| Array.new(4) { spin { times.times { |n| pool.query('select ?', n) } } }.each(&:await) }
    work.call(100)
    GC.start
    before = ObjectSpace.each_object(Trilogy).count
    work.call(2500)
    expect([ObjectSpace.each_object(Trilogy).count <= before, pool.stats]).to match([true, include(made: 4, in_use: 0)])
  end
end
