# frozen_string_literal: true

require 'date'
require 'polyphony/adapters/sqlite3'
require_relative '../../support/fibers'
require_relative '../../support/sqlite3'

RSpec.describe Polyphony::SQLite3, :fibers do
  include Support::SQLite3

  it 'writes with execute, reads with query' do
    db.execute_script('create table pets(id integer primary key, name text, age real); create index by_name on pets(name); -- end')
    written = db.execute('insert into pets(name, age) values (?, ?), (?, ?)', 'Ada', 3, 'Bob', nil)
    expect([written.changes, written.last_insert_id, written.to_a]).to eq([2, 2, []])
    read = db.query('select name, age from pets where id >= :least order by id', least: 1)
    expect(read.to_a).to eq([{ 'name' => 'Ada', 'age' => 3.0 }, { 'name' => 'Bob', 'age' => nil }])
    expect([read.columns, read.rows, read.size, read.value, read.changes]).to eq([%w[name age], [['Ada', 3.0], ['Bob', nil]], 2, 'Ada', 0])
    expect(db.execute('delete from pets returning name').map { |row| row['name'] }).to eq(%w[Ada Bob])
    expect([db.first('select * from pets'), db.value('select count(*) from pets')]).to eq([nil, 0])
  end

  it 'keeps what Ruby has as SQLite can' do
    time = Time.at(0, 1.5r, :millisecond).utc
    values = [nil, true, false, 2**62, 1.5, 'é', "\xff\x00".b, :symbol, time, Date.new(2024, 2, 29), DateTime.new(2024, 2, 29, 1, 2, 3, '+1')]
    kept = db.query("select #{(['?'] * values.size).join(', ')}", *values).rows.first
    expect(kept).to eq([nil, 1, 0, 2**62, 1.5, 'é', "\xff\x00".b, 'symbol', '1970-01-01 00:00:00.001500', '2024-02-29', '2024-02-29 00:02:03.000000'])
    expect(kept.grep(String).map(&:encoding)).to eq([Encoding::UTF_8, Encoding::BINARY] + ([Encoding::UTF_8] * 4))
    expect { db.query('select ?', Object) }.to raise_error(TypeError, /not Object/)
  end

  it 'says what is wrong with a call' do
    db.execute('create table t(a unique)')
    db.execute('insert into t values (1)')
    expect { db.query('select ?') }.to raise_error(ArgumentError, 'the statement takes 1 values, not 0')
    expect { db.query('select :a', b: 1) }.to raise_error(SQLite3::Exception, /no such bind parameter/)
    expect { db.query('select 1; select 2') }.to raise_error(ArgumentError, /execute_script.*select 2/)
    expect { db.query('delete from t') }.to raise_error(Polyphony::SQLite3::ReadOnly, /use execute/)
    expect { db.query('selekt') }.to raise_error(SQLite3::SQLException, /syntax error/)
    expect { db.execute('insert into t values (1)') }.to raise_error(SQLite3::ConstraintException, /UNIQUE/)
    expect { described_class.new("#{folder}/none/a.db").value('select 1') }.to raise_error(SQLite3::CantOpenException, %r{none/a\.db \(is there such a folder})
    expect { described_class.new('a', readers: 0) }.to raise_error(ArgumentError, /readers/)
    expect { described_class.new('a', pragmas: { 'x; y' => 1 }) }.to raise_error(ArgumentError, /no pragma/)
    expect { described_class.new(1) }.to raise_error(TypeError, /path/)
    expect(db.value('select count(*) from t')).to eq(1)
  end

  it 'keeps prepared statements, follows changes of the schema, and lets one run in the midst of itself' do
    small = open_database(statements: 2)
    small.execute('create table t(a)')
    3.times { |n| small.execute('insert into t values (?)', n) }
    expect(small.query('select * from t').columns).to eq(%w[a])
    small.execute('alter table t add column b')
    expect(small.query('select * from t').first).to eq('a' => 0, 'b' => nil)
    pairs = small.enum_for(:each, 'select a from t order by a').flat_map do |outer|
      small.enum_for(:each, 'select a from t order by a').map { |inner| [outer['a'], inner['a']] }
    end
    expect(pairs).to eq([0, 1, 2].product([0, 1, 2]))
    opened = -> { ObjectSpace.each_object(SQLite3::Statement).count { |statement| !statement.closed? } }
    before = opened.call
    20.times { |n| expect(small.value("select #{n}")).to eq(n) }
    expect(opened.call).to be <= before
  end

  it 'streams rows as they are asked for, while others write' do
    db.execute('create table t(a)')
    endless = 'with recursive n(x) as (select 1 union all select x + 1 from n) select x from n'
    seen = []
    db.each(endless) do |row|
      db.execute('insert into t values (?)', row['x'])
      break if (seen << row['x']).size == 5
    end
    expect([seen, db.query('select a from t').rows.flatten]).to eq([[1, 2, 3, 4, 5]] * 2)
    expect(db.each(endless).lazy.map { |row| row['x'] * 2 }.first(3)).to eq([2, 4, 6])
    expect(db.stats[:readers]).to include(in_use: 0, size: 1)
  end

  it 'is one connection in memory' do
    memory = described_class.new(':memory:')
    memory.execute('create table t(a)')
    memory.transaction { memory.execute('insert into t values (1)') }
    sums = Array.new(20) { spin { memory.value('select sum(a) from t') } }.map(&:await)
    expect([sums, memory.stats[:writer]]).to match([[1] * 20, include(size: 1, made: 1)])
    memory.close
    expect { described_class.new(':memory:', readonly: true) }.to raise_error(ArgumentError, /empty/)
  end

  it 'opens a file for reading only' do
    db.execute('create table t(a)')
    reader = open_database(readonly: true)
    expect(reader.value('select count(*) from t')).to eq(0)
    expect { reader.execute('insert into t values (1)') }.to raise_error(Polyphony::SQLite3::ReadOnly, /readonly: true/)
    expect { reader.query('insert into t values (1)') }.to raise_error(Polyphony::SQLite3::ReadOnly)
  end

  it "hands out the gem's own connection" do
    db.connection { |raw| raw.create_function('twice', 1) { |function, value| function.result = value * 2 } }
    expect(db.transaction { db.value('select twice(21)') }).to eq(42)
    stopped = waiting { db.connection { |raw| raw.execute("#{counting} select count(*) from n") } }
    settle_a_little
    stopped.stop
    expect(db.execute('select 1').value).to eq(1)
  end

  it 'closes, and says so' do
    expect(db.inspect).to match(%r{\A#<Polyphony::SQLite3 /.*/test.db writer=0/1 waiting=0 readers=0/4 waiting=0>\z})
    db.execute('create table t(a)')
    db.close
    expect([db.closed?, db.inspect]).to match([true, / closed /])
    expect { db.value('select 1') }.to raise_error(Polyphony::Closed)
    expect(Dir.children(folder)).to eq(['test.db']) # SQLite removes its WAL with the last connection
  end
end
