# frozen_string_literal: true

require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, :postgres, :fibers do
  let(:db) { database(size: 2) }

  def prepared(connection)
    connection.exec('SELECT name FROM pg_prepared_statements').column_values(0)
  end

  describe 'results' do
    it 'are the gem\'s, hashes, hashes with symbols or arrays, as is asked for' do
      sql = 'SELECT 1 AS a, $1::text AS b'
      expect(db.query(sql, 'x')).to be_a(PG::Result).and have_attributes(values: [%w[1 x]])
      expect(db.query(sql, 'x', as: :hashes)).to eq([{ 'a' => '1', 'b' => 'x' }])
      expect(db.query(sql, 'x', as: :symbols, types: true)).to eq([{ a: 1, b: 'x' }])
      expect(db.query(sql, nil, as: :values)).to eq([['1', nil]])
      expect { db.query(sql, 'x', as: :rows) }.to raise_error(ArgumentError, /one of \[:result, :hashes, :symbols, :values\], not :rows/)
    end

    it 'come in the form that the database was told' do
      db = database(results: :symbols, types: true)
      expect(db.query('SELECT 1.5::float8 AS x, true AS y, now() AS z')).to match([{ x: 1.5, y: true, z: an_instance_of(Time) }])
      expect(db.query('SELECT 1 AS x', types: false)).to eq([{ x: '1' }])
      expect(db.row('SELECT 1 AS x')).to eq(x: 1)
    end

    it 'give a row or a value' do
      expect(db.row('SELECT 1 AS x UNION SELECT 2 ORDER BY 1')).to eq('x' => '1')
      expect(db.row('SELECT 1 WHERE false')).to be_nil
      expect(db.value('SELECT $1::int + 1', 4, types: true)).to eq(5)
      expect(db.value('SELECT 1 WHERE false')).to be_nil
    end

    it 'are errors of the gem, after which the connection is used again' do
      pid = db.value('SELECT pg_backend_pid()')
      expect { db.query('SELECT nonsense') }.to raise_error(PG::UndefinedColumn)
      expect { db.query('SELECT $1::int', 'x') }.to raise_error(PG::InvalidTextRepresentation)
      expect { db.exec('SELECT 1; SELECT 1/0; SELECT 2') }.to raise_error(PG::DivisionByZero)
      expect(db.value('SELECT pg_backend_pid()')).to eq(pid)
    end
  end

  it 'writes parameters so that the server reads what was meant' do
    time = Time.at(1_700_000_000, 123_456, :usec)
    row = db.row('SELECT $1::int[] AS a, $2::jsonb AS b, $3::timestamptz AS c, $4::date AS d, $5::numeric AS e, $6::bool AS f, $7::bytea AS g, $8::text AS h, $9::text[] AS i',
                 [1, nil, [3][0]], { 'k' => [1, 'ü'] }, time, Date.new(2024, 2, 29), BigDecimal('1.10'), true, { value: "\0\xFF".b, format: 1 }, :symbol, ['a "b"', nil, ''],
                 types: true)
    expect(row).to eq('a' => [1, nil, 3], 'b' => { 'k' => [1, 'ü'] }, 'c' => time, 'd' => Date.new(2024, 2, 29), 'e' => BigDecimal('1.1'), 'f' => true, 'g' => "\0\xFF".b,
                      'h' => 'symbol', 'i' => ['a "b"', nil, ''])
    expect(db.value('SELECT $1::timestamp', DateTime.new(2024, 1, 2, 3, 4, 5))).to eq('2024-01-02 03:04:05')
  end

  it 'runs any number of statements with exec, one unprepared with exec_params' do
    expect(db.exec('SELECT 1; SELECT 2').values).to eq([['2']])
    expect(db.exec_params('SELECT $1::text', ['x']).values).to eq([['x']])
    expect { db.query('SELECT 1; SELECT 2') }.to raise_error(PG::SyntaxError)
  end

  describe 'prepared statements' do
    it 'are made at the second use, and used from then on' do
      db.with do |connection|
        2.times { connection.query('SELECT 1') }
        expect(prepared(connection).size).to eq(1)
        expect(connection.query('SELECT 1').values).to eq([['1']])
        expect(prepared(connection).size).to eq(1)
      end
    end

    it 'are not made when there is no cache' do
      database(statement_cache: 0).with do |connection|
        3.times { connection.query('SELECT 1') }
        expect(prepared(connection)).to eq([])
      end
    end

    it 'are dropped, oldest first, when there are more than the cache holds' do
      database(statement_cache: 3).with do |connection|
        (1..40).each { |i| 2.times { connection.query("SELECT #{i}") } }
        expect(prepared(connection).size).to be_between(3, 25)
        expect(connection.inspect).to include('statements=3')
        expect(connection.value('SELECT 1')).to eq('1')
      end
    end

    it 'survive a table that changes, outside of a transaction' do
      name = table('a int')
      db.exec("INSERT INTO #{name} VALUES (1)")
      2.times { db.query("SELECT * FROM #{name}") }
      db.exec("ALTER TABLE #{name} ADD b int")
      expect(db.query("SELECT * FROM #{name}", as: :values)).to eq([['1', nil]])
      3.times { expect(db.query("SELECT * FROM #{name}").nfields).to eq(2) }
    end

    it 'survive in a transaction when that may be run again' do
      name = table('a int')
      2.times { db.query("SELECT * FROM #{name}") }
      db.exec("ALTER TABLE #{name} ADD b int")
      runs = 0
      expect(db.transaction(retries: 1) { |tx| (runs += 1) && tx.query("SELECT * FROM #{name}").nfields }).to eq(2)
      expect(runs).to eq(2)
    end

    it 'survive DISCARD ALL and DEALLOCATE ALL, by exec or behind our back' do
      db.with do |connection|
        ['DISCARD ALL', 'DEALLOCATE ALL', "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"].each do |sql|
          2.times { connection.query('SELECT 1') }
          connection.exec(sql)
          expect(connection.value('SELECT 1')).to eq('1')
        end
      end
    end

    it 'are forgotten with their connection, which the server has ended' do
      2.times { db.query('SELECT 1') }
      pid = db.value('SELECT pg_backend_pid()', types: true)
      onlooker.query('SELECT pg_terminate_backend($1)', pid)
      wait_until { onlooker.value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', pid, types: true).zero? }
      expect(error_of { db.query('SELECT 1') }).to be_a(PG::AdminShutdown).or(be_a(PG::ConnectionBad))
      expect(db.value('SELECT 1')).to eq('1')
      expect(db.stats).to include(made: 2, discarded: 1)
    end
  end

  it 'refuses options that make no sense, and says which there are' do
    expect { described_class.new(sise: 3) }.to raise_error(ArgumentError, /unknown option :sise. There are size, timeout/)
    expect { described_class.new(size: 0) }.to raise_error(ArgumentError, /size must be a positive Integer/)
    expect { described_class.new(timeout: 'x') }.to raise_error(TypeError, /timeout must be a number of seconds/)
    expect { described_class.new('shop') }.to raise_error(ArgumentError, /named by a URL/)
    expect { described_class.new('postgres://x:y/z?what=1') }.to raise_error(ArgumentError, /cannot be read/)
    expect { described_class.new(results: :rows) }.to raise_error(ArgumentError, /results come as one of/)
    expect(described_class.new('postgres://u:secret@h:1/d', size: 2).inspect).to eq('#<Polyphony::Postgres h:1/d size=0/2 in_use=0 waiting=0>')
  end

  it 'gives the session its settings' do
    db = database(statement_timeout: 1.5, settings: { search_path: 'a, pg_catalog', application_name: 'set so' })
    expect(db.value('SHOW statement_timeout')).to eq('1500ms')
    expect(db.value('SHOW search_path')).to eq('a, pg_catalog')
    expect(db.value('SHOW application_name')).to eq('set so')
    expect { database(statement_timeout: 0.05).query('SELECT pg_sleep(30)') }.to raise_error(PG::QueryCanceled, /statement timeout/)
  end

  it 'says which gem is missing' do
    result = run_ruby("begin\n require 'polyphony/adapters/postgres'\nrescue LoadError => e\n puts e.message\nend\n", flags: ['--disable-gems'], env: { 'RUBYLIB' => nil })
    expect(result.stdout).to eq("polyphony/adapters/postgres needs the pg gem. Add to the Gemfile: gem 'pg', '~> 1.6'\n")
  end

  it 'works in a plain thread, and lets other fibers of it run' do
    ran = []
    Thread.new do
      other = Polyphony.spin { ran << :other }
      ran << db.value('SELECT pg_sleep(0.01)')
      other.await
    end.join
    expect(ran).to eq([:other, ''])
  end
end
