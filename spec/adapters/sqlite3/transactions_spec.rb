# frozen_string_literal: true

require 'polyphony/adapters/sqlite3'
require_relative '../../support/fibers'
require_relative '../../support/sqlite3'

RSpec.describe 'transactions of Polyphony::SQLite3', :fibers do
  include Support::SQLite3

  before { db.execute('create table t(a)') }

  def add(value) = db.execute('insert into t values (?)', value)
  def all = db.query('select a from t order by rowid').rows.flatten

  it "are their fiber's: others neither see nor take part in them" do
    inside = Polyphony::Event.new
    go_on = Polyphony::Event.new
    writer = spin do
      db.transaction do
        add(1)
        inside.set
        go_on.wait
        [all, db.transaction?]
      end
    end
    inside.wait
    other = waiting { add(2) }
    expect([all, db.transaction?, other.state]).to eq([[], false, :waiting])
    go_on.set
    expect(writer.await).to eq([[1], true])
    other.await
    expect(all).to eq([1, 2])
  end

  it 'are rolled back by errors, stops and time limits' do
    expect { db.transaction { add(1) && raise('no') } }.to raise_error('no')
    expect(move_on_after(0.01) { db.transaction { add(2) && sleep } }).to be_nil
    fiber = waiting { db.transaction { add(3) && db.value("#{counting} select max(x) from n") } }
    settle_a_little
    fiber.stop
    cut = waiting { db.transaction { db.execute("insert into t #{counting} select x from n") } }
    settle_a_little
    cut.stop
    catch(:out) { db.transaction { add(4) && throw(:out) } }
    expect(db.transaction { add(5) && raise(Polyphony::SQLite3::Rollback) }).to be_nil
    expect([all, db.transaction { add(6) && :value }, all]).to eq([[], :value, [6]])
    expect(db.stats[:writer]).to include(made: 1, in_use: 0)
  end

  it 'nest as savepoints' do
    db.transaction do
      add(1)
      db.transaction { add(2) && raise(Polyphony::SQLite3::Rollback) }
      db.transaction { db.transaction { add(3) } }
      begin
        db.transaction { add(4) && raise('no') }
      rescue RuntimeError
        add(5)
      end
    end
    expect(all).to eq([1, 3, 5])
  end

  it 'end with a statement that ended the whole of them' do
    db.execute('create table u(a unique on conflict rollback)')
    expect { db.transaction { add(1) && db.execute('insert into u values (1), (1)') } }.to raise_error(SQLite3::ConstraintException)
    expect([all, db.transaction { add(2) && 2 }]).to eq([[], 2])
  end

  it 'read as of one moment in a snapshot' do
    add(1)
    db.snapshot do
      expect(all).to eq([1])
      spin { add(2) }.await
      expect(all).to eq([1])
      expect { add(3) }.to raise_error(Polyphony::SQLite3::ReadOnly, /snapshot/)
    end
    expect(all).to eq([1, 2])
  end

  it 'take a mode, and a block' do
    expect { db.transaction(:sometimes) { nil } }.to raise_error(ArgumentError, /immediate.*:sometimes/)
    expect { db.transaction }.to raise_error(ArgumentError, 'a block is required')
    expect(%i[deferred immediate exclusive].map { |mode| db.transaction(mode) { mode } }).to eq(%i[deferred immediate exclusive])
  end

  it 'are not gone on with in a forked child, which opens connections of its own' do
    result = run_ruby(<<~RUBY, file)
      require 'polyphony/core'
      require 'polyphony/adapters/sqlite3'
      SQLite3::ForkSafety.suppress_warnings! if defined?(SQLite3::ForkSafety)
      Polyphony.run do
        db = Polyphony::SQLite3.new(ARGV.first)
        db.execute('insert into t values (1)')
        pid = fork do
          db.execute('insert into t values (2)')
          puts db.value('select count(*) from t')
        end
        Process.wait(pid)
        db.transaction do
          db.execute('insert into t values (3)')
          Process.wait(fork { db.execute('insert into t values (4)') rescue puts($!.message) })
        end
        puts db.query('select a from t').rows.flatten.inspect
      end
    RUBY
    expect([result.stdout, result.stderr]).to match([/\A2\nthe connection to .* was opened before the fork.*\n\[1, 2, 3\]\n\z/, ''])
  end
end
