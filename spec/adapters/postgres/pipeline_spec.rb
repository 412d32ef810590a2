# frozen_string_literal: true

require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, 'pipeline', :postgres, :fibers do
  let(:db) { database(pipeline: true, size: 2) }

  def pid_of(db) = db.value('SELECT pg_backend_pid()')

  def together(count, &block) = Array.new(count) { |i| spin { block.call(i) } }.map(&:await)

  it 'sends what fibers ask at a time in one packet, over one connection, and gives each its answer' do
    expect(together(50) { |i| db.value('SELECT $1::int', i, types: true) }).to eq((0...50).to_a)
    before = db.stats[:batches]
    expect(together(50) { pid_of(db) }.uniq.size).to eq(1)
    expect(db.stats).to include(pipelined: 100, connects: 1, under_way: 0, batches: be_between(before + 1, before + 3))
  end

  it 'is there for a database that does not use it by itself' do
    db = database(size: 2)
    expect(together(20) { db.pipelined.value('SELECT pg_backend_pid()') }.uniq.size).to eq(1)
    expect(db.pipelined.row('SELECT 1 AS a', as: :symbols)).to eq(a: '1')
    expect(db.pipelined.inspect).to match(%r{\A#<Polyphony::Postgres::Pipelined .*/postgres under_way=0>\z})
    expect(db.stats[:made]).to eq(0)
  end

  it 'gives an error to who asked, and to nobody else' do
    results = together(30) { |i| error_of { db.query(i % 3 == 0 ? 'SELECT 1/0' : 'SELECT 1') }&.class }
    expect(results.each_slice(3).to_a.uniq).to eq([[PG::DivisionByZero, nil, nil]])
    expect(together(10) { |i| error_of { db.query(i.even? ? 'SELECT nonsense' : 'SELECT 1') }&.class }.uniq).to eq([PG::UndefinedColumn, nil])
    expect { db.query("SELECT $1", "\0") }.to raise_error(ArgumentError, /null byte/)
    expect(pid_of(db)).to match(/\d/)
    expect(db.stats[:connects]).to eq(1)
  end

  it 'makes each query a transaction of its own' do
    name = table('a int UNIQUE')
    together(10) { |i| error_of { db.query("INSERT INTO #{name} VALUES ($1)", i / 2) } }
    expect(db.value("SELECT count(*) FROM #{name}")).to eq('5')
  end

  it 'prepares what is asked again' do
    4.times { together(3) { |i| expect(db.value('SELECT $1::int + 1', i, types: true)).to eq(i + 1) } }
    expect(db.query('SELECT statement FROM pg_prepared_statements').column_values(0)).to eq(['SELECT $1::int + 1'])
  end

  it 'survives what makes prepared statements stale' do
    name = table('a int')
    3.times { db.query("SELECT * FROM #{name}") }
    onlooker.exec("ALTER TABLE #{name} ADD b int")
    expect(together(3) { db.query("SELECT * FROM #{name}").nfields }).to eq([2, 2, 2])
    3.times { db.query("SELECT * FROM #{name}") }
    db.query("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    expect(together(3) { db.query("SELECT * FROM #{name}").nfields }).to eq([2, 2, 2])
  end

  it 'drops prepared statements when there are too many' do
    db = database(pipeline: true, statement_cache: 5)
    (1..60).each { |i| 2.times { db.query("SELECT #{i}") } }
    expect(db.value('SELECT count(*) FROM pg_prepared_statements', types: true)).to be < 40
  end

  it 'refuses what needs a connection of its own, each time' do
    ['BEGIN', '  set search_path = x', "/* y */ -- z\nLISTEN x", 'COPY t TO STDOUT'].each do |sql|
      2.times { expect { db.query(sql) }.to raise_error(ArgumentError, /cannot go through the pipeline.*db.transaction/) }
    end
  end

  it 'steps aside in a transaction and in a block with a connection' do
    name = table('a int')
    pid = pid_of(db)
    db.transaction do |tx|
      db.query("INSERT INTO #{name} VALUES (1)")
      expect(tx.value("SELECT count(*) FROM #{name}")).to eq('1')
      expect(spin { db.value("SELECT count(*) FROM #{name}") }.await).to eq('0')
    end
    db.with { expect(pid_of(db)).not_to eq(pid) }
    expect(db.exec('SELECT 1; SELECT 2').values).to eq([['2']])
  end

  it 'takes as many connections as it is told' do
    db = database(pipeline: 3)
    expect(together(30) { pid_of(db) }.uniq.size).to eq(3)
  end

  it 'sends and takes much at a time without a deadlock' do
    text = 'x' * 1_000_000
    expect(together(20) { db.value('SELECT $1::text', text) == text }.uniq).to eq([true])
  end

  it 'lets no more than a thousand be under way' do
    most = 0
    results = together(2500) { db.value('SELECT 1').tap { most = [most, db.stats[:under_way]].max } }
    expect([results.uniq, most]).to match([['1'], be <= 1000])
  end

  describe 'interrupted' do
    it 'drops the answer that nobody waits for, and keeps the others\' apart' do
      random = Random.new(2)
      300.times do |i|
        fibers = Array.new(5) { |j| spin { db.value('SELECT $1::int', (i * 10) + j, types: true) } }
        random.rand(3).times { snooze }
        fibers.each_slice(2) { |fiber, _| fiber.stop }
        results = fibers.map(&:await)
        expect(results.each_with_index.reject { |value, j| value.nil? || value == (i * 10) + j }).to eq([])
        expect(results.values_at(1, 3)).to eq([(i * 10) + 1, (i * 10) + 3])
      end
      db.query('SELECT 1') # takes in what nobody waited for
      expect(db.stats).to include(under_way: 0, connects: 1)
    end

    it 'cancels what nobody waits for when somebody comes' do
      db.query('SELECT 1') # connects
      first = waiting { db.value("SELECT 'first' FROM pg_sleep(0.1)") }
      waiting { db.query(slow) }.stop
      expect(first.await).to eq('first')
      wait_until { running(slow) == 1 }
      expect(db.value('SELECT 2')).to eq('2')
      expect(running(slow)).to eq(0)
    end

    it 'cancels on the server what nobody waits for, if it is alone' do
      pid = pid_of(db)
      fiber = waiting { db.query(slow) }
      wait_until { running(slow) == 1 }
      fiber.stop
      expect([running(slow), pid_of(db)]).to eq([0, pid])
    end

    it 'cancels one after the other when the last that waited is gone' do
      fibers = Array.new(3) { waiting { db.query(slow) } }
      wait_until { running(slow) == 1 }
      fibers.each(&:stop)
      expect(running(slow)).to eq(0)
      expect(db.value('SELECT 1')).to eq('1')
      expect(db.stats).to include(under_way: 0, connects: 1)
    end

    it 'does not cancel while somebody waits: who comes after gets an answer' do
      first = waiting { db.query("SELECT pg_sleep(0.2)") }
      second = waiting { db.value('SELECT 2') }
      first.stop
      expect(second.await).to eq('2')
    end

    it 'has another fiber read when the one that did is stopped' do
      fibers = Array.new(4) { |i| waiting { db.value("SELECT #{i} FROM pg_sleep(0.05)") } }
      fibers.first.stop
      expect(fibers.drop(1).map(&:await)).to eq(%w[1 2 3])
    end

    it 'while it connects: another fiber does' do
      fibers = Array.new(3) { |i| spin { db.value("SELECT #{i}") } }
      snooze
      fibers.first.stop
      expect(fibers.drop(1).map(&:await)).to eq(%w[1 2])
    end
  end

  it 'tells all when the connection is lost, and makes another' do
    fibers = Array.new(3) { waiting { error_of { db.query(slow) } } }
    wait_until { running(slow) == 1 }
    onlooker.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(query, $1)", slow)
    errors = fibers.map(&:await)
    expect(errors).to all(be_a(PG::ConnectionBad).or(be_a(PG::AdminShutdown)))
    expect(errors.uniq(&:object_id).size).to eq(3)
    expect(db.value('SELECT 1')).to eq('1')
  end

  it 'serves several threads, each with a connection of its own' do
    db.query('SELECT 1')
    results = Array.new(3) { |t| Thread.new { Polyphony.run { Array.new(20) { |i| Polyphony.spin { db.value('SELECT $1::int', (t * 100) + i, types: true) } }.map(&:await) } } }.map(&:value)
    expect(results).to eq(Array.new(3) { |t| Array.new(20) { |i| (t * 100) + i } })
    expect(db.stats[:connects]).to eq(4)
  end

  it 'begins anew in a forked child' do
    pid = pid_of(db)
    read, write = IO.pipe
    Process.wait(fork { write.write(pid_of(db)) })
    write.close
    expect(read.read).to match(/\A\d+\z/).and(satisfy { |other| other != pid })
    expect(pid_of(db)).to eq(pid)
  ensure
    read.close
  end

  it 'is closed with the database: what is under way is finished first' do
    fiber = waiting { db.value("SELECT 'done' FROM pg_sleep(0.1)") }
    db.close
    expect(fiber.await).to eq('done')
    expect { db.query('SELECT 1') }.to raise_error(Polyphony::Closed)
  end
end
