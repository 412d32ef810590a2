# frozen_string_literal: true

require 'stringio'
require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, 'streams', :postgres, :fibers do
  let(:db) { database(size: 2, settings: { client_min_messages: 'warning' }) }

  def pid_of(db) = db.value('SELECT pg_backend_pid()')

  def memory = File.read('/proc/self/status')[/VmRSS:\s+(\d+)/, 1].to_i

  describe 'each_row' do
    it 'gives every row, in order, in the form that is asked for' do
      expect(db.each_row('SELECT * FROM generate_series(1, $1) x', 1000, as: :values, types: true).to_a.flatten).to eq((1..1000).to_a)
      rows = []
      expect(db.each_row('SELECT 1 AS a UNION SELECT 2 ORDER BY 1', chunk: 1) { |row| rows << row }).to eq(2)
      expect(rows).to eq([{ 'a' => '1' }, { 'a' => '2' }])
      expect(db.each_row('SELECT 1 AS a', as: :symbols).first).to eq(a: '1')
      expect(db.each_row('SELECT 1 WHERE false') { nil }).to eq(0)
      expect { db.each_row('SELECT 1', chunk: 0) { nil } }.to raise_error(ArgumentError, /chunk/)
    end

    it 'takes little memory for many rows, and lets others run meanwhile' do
      ticks = 0
      ticker = spin { loop { sleep(0.001) && ticks += 1 } }
      before = memory
      expect(db.each_row("SELECT repeat('x', 1000) FROM generate_series(1, 100000)") { nil }).to eq(100_000)
      expect(memory - before).to be < 60_000
      expect(ticks).to be > 5
      ticker.stop
    end

    it 'does not read while the block runs: the server waits' do
      read = nil
      reader = waiting { db.each_row("SELECT repeat('x', 10000) FROM generate_series(1, 20000) /* wait */") { |_| (read = true) && sleep } }
      wait_until { onlooker.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%wait */' AND wait_event = 'ClientWrite'") == 1 && read }
      reader.stop
      expect(db.stats).to include(discarded: 0, in_use: 0)
    end

    it 'cancels the rest when the block breaks' do
      pid = pid_of(db)
      expect(db.each_row('SELECT generate_series(1, 100000000) AS x').first(2)).to eq([{ 'x' => '1' }, { 'x' => '2' }])
      db.each_row('SELECT generate_series(1, 100000000) AS x').find(&:itself)
      expect(pid_of(db)).to eq(pid)
    end

    it 'raises an error in the midst, after the rows before it' do
      pid = pid_of(db)
      rows = 0
      expect { db.each_row('SELECT 1 / (1000 - x) FROM generate_series(1, 2000) x') { rows += 1 } }.to raise_error(PG::DivisionByZero)
      expect(rows).to be > 100
      expect { db.each_row('SELECT nonsense') { nil } }.to raise_error(PG::UndefinedColumn)
      expect(pid_of(db)).to eq(pid)
    end

    it 'has the connection for itself: the block asks elsewhere' do
      db.each_row('SELECT 1') do
        expect { db.query('SELECT 2') }.to raise_error(described_class::Busy, /in the midst of rows.*another fiber/)
        expect(spin { db.value('SELECT 2') }.await).to eq('2')
      end
    end
  end

  describe 'copy_in' do
    let(:name) { table('a int, b text') }

    def count = db.value("SELECT count(*) FROM #{name}").to_i

    it 'writes text, rows, IOs and anything with each' do
      expect(db.copy_in("COPY #{name} FROM STDIN") { |copy| copy << "1\tone\n" << [2, "t\tw\\o\n"] << [3, nil] }).to eq(3)
      expect(db.copy_in("COPY #{name} FROM STDIN (FORMAT csv)", StringIO.new("4,four\n5,five\n"))).to eq(2)
      expect(db.copy_in("COPY #{name} FROM STDIN", [[6, 'six'], "7\tseven\n"])).to eq(2)
      db.copy_in("COPY #{name} FROM STDIN") { |copy| IO.copy_stream(StringIO.new("8\teight\n"), copy) }
      expect(db.query("SELECT b FROM #{name} ORDER BY a").column_values(0)).to eq(['one', "t\tw\\o\n", nil, 'four', 'five', 'six', 'seven', 'eight'])
    end

    it 'writes the binary format with an encoder' do
      encoder = PG::BinaryEncoder::CopyRow.new(type_map: PG::TypeMapByColumn.new([PG::BinaryEncoder::Int4.new, PG::BinaryEncoder::String.new]))
      header = "PGCOPY\n\377\r\n\0".b + ("\0" * 8)
      db.copy_in("COPY #{name} FROM STDIN (FORMAT binary)", encoder: encoder) { |copy| copy << header << [1, 'one'] << "\xFF\xFF".b }
      expect(db.query("SELECT * FROM #{name}", as: :values)).to eq([%w[1 one]])
    end

    it 'writes nothing when the block fails or is stopped, and the connection stays' do
      pid = pid_of(db)
      expect { db.copy_in("COPY #{name} FROM STDIN") { |copy| copy << [1, 'x'] && raise(IOError, 'own') } }.to raise_error(IOError, 'own')
      waiting { db.copy_in("COPY #{name} FROM STDIN") { |copy| copy << [1, 'x'] && sleep } }.stop
      move_on_after(0.02) { db.copy_in("COPY #{name} FROM STDIN") { |copy| loop { copy << "1\t#{'x' * 100_000}\n" } } }
      expect([count, pid_of(db)]).to eq([0, pid])
    end

    it 'raises what the server says about the data, before the end if there is much' do
      written = 0
      expect do
        db.copy_in("COPY #{name} FROM STDIN") { |copy| loop { copy << "x\t#{'y' * 1000}\n" && written += 1 } }
      end.to raise_error(PG::InvalidTextRepresentation, /invalid input syntax for type integer: "x"/)
      expect(written).to be < 1_000_000
      expect { db.copy_in("COPY #{name} FROM STDIN", "x\ty\n".each_line) }.to raise_error(PG::InvalidTextRepresentation)
      expect(count).to eq(0)
    end

    it 'waits when the server is slower, in little memory' do
      db.exec("CREATE FUNCTION slow_#{name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.0002); RETURN NEW; END'")
      db.exec("CREATE TRIGGER slow BEFORE INSERT ON #{name} FOR EACH ROW EXECUTE FUNCTION slow_#{name}()")
      before = memory
      text = "1\t#{'x' * 100_000}\n"
      db.copy_in("COPY #{name} FROM STDIN") { |copy| 1000.times { copy << text } }
      expect(memory - before).to be < 60_000 # of 100,000
      expect(count).to eq(1000)
    ensure
      db.exec("DROP FUNCTION slow_#{name}() CASCADE")
    end

    it 'refuses what is no COPY FROM, and what cannot be copied' do
      expect { db.copy_in('SELECT 1') { nil } }.to raise_error(ArgumentError, /not a COPY FROM STDIN: SELECT 1/)
      expect { db.copy_in("COPY #{name} TO STDOUT") { nil } }.to raise_error(ArgumentError, /not a COPY FROM/)
      expect { db.copy_in("COPY #{name} FROM STDIN", 7) }.to raise_error(TypeError, /has read or each/)
      expect { db.copy_in("COPY #{name} FROM STDIN") }.to raise_error(ArgumentError, /either a source or a block/)
      expect(count).to eq(0)
    end
  end

  describe 'copy_out' do
    it 'gives rows as the server sends them, or decoded' do
      expect(db.copy_out('COPY (SELECT x, NULL FROM generate_series(1, 3) x) TO STDOUT').to_a).to eq(["1\t\\N\n", "2\t\\N\n", "3\t\\N\n"])
      rows = []
      expect(db.copy_out("COPY (SELECT 1, E'a\\tb') TO STDOUT", decoder: PG::TextDecoder::CopyRow.new) { |row| rows << row }).to eq(1)
      expect(rows).to eq([['1', "a\tb"]])
    end

    it 'gives the binary format decoded' do
      decoder = PG::BinaryDecoder::CopyRow.new(type_map: PG::TypeMapByColumn.new([PG::BinaryDecoder::Integer.new]))
      expect(db.copy_out('COPY (SELECT x FROM generate_series(1, 3) x) TO STDOUT (FORMAT binary)', decoder: decoder).to_a).to eq([[1], [2], [3]])
      expect(db.value('SELECT 1')).to eq('1')
    end

    it 'cancels the rest when the block breaks, fails or is stopped' do
      pid = pid_of(db)
      endless = 'COPY (SELECT generate_series(1, 100000000)) TO STDOUT'
      db.copy_out(endless) { break }
      expect { db.copy_out(endless) { raise IOError } }.to raise_error(IOError)
      move_on_after(0.02) { db.copy_out(endless) { nil } }
      expect(db.copy_out(endless).first(2)).to eq(%W[1\n 2\n])
      expect(pid_of(db)).to eq(pid)
    end

    it 'raises an error in the midst, and refuses what is no COPY TO' do
      expect { db.copy_out('COPY (SELECT 1 / (10 - x) FROM generate_series(1, 20) x) TO STDOUT') { nil } }.to raise_error(PG::DivisionByZero)
      expect { db.copy_out('SELECT 1') { nil } }.to raise_error(ArgumentError, /not a COPY TO/)
    end

    it 'and copy_in make a pipe from table to table' do
      from = table('a int')
      to = table('a int')
      db.exec("INSERT INTO #{from} SELECT generate_series(1, 5000)")
      rows = Polyphony::Channel.new(10)
      spin { db.copy_out("COPY #{from} TO STDOUT") { |row| rows << row } && rows.close }
      expect(db.copy_in("COPY #{to} FROM STDIN", rows)).to eq(5000)
    end
  end
end
