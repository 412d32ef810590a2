# frozen_string_literal: true

require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, 'connections', :postgres, :fibers do
  let(:db) { database(size: 2) }

  # All connections look as if they had not been used for a while.
  def later
    ObjectSpace.each_object(described_class.const_get(:Wire)) { |wire| wire.heard -= 10 }
  end

  def pid_of(db) = db.value('SELECT pg_backend_pid()')

  it 'are made when they are needed, and used again' do
    expect(db.stats).to include(size: 0)
    pids = Array.new(5) { pid_of(db) }.uniq
    expect([pids.size, db.stats[:made]]).to eq([1, 1])
    db.connect(2)
    expect(db.stats).to include(size: 2, available: 2)
  end

  it 'are a fiber\'s for a block, and the same in a block in it' do
    db.with do |connection|
      expect(pid_of(connection)).to eq(pid_of(db))
      db.with { |same| expect(same).to equal(connection) }
      expect(waiting { pid_of(db) }.await).not_to eq(pid_of(db))
      expect(connection.pid.to_s).to eq(pid_of(db))
    end
  end

  it 'are at most as many as was said: others wait, first come, first served' do
    db.connect(2)
    order = []
    fibers = Array.new(6) { |i| spin { db.with { |c| order << i && c.query('SELECT pg_sleep(0.01)') } } }
    wait_until { db.stats[:waiting] == 4 }
    fibers.each(&:await)
    expect(order).to eq([0, 1, 2, 3, 4, 5])
    expect(db.stats).to include(made: 2, in_use: 0, waiting: 0)
  end

  it 'that nobody gives back in time are an error that says who has them' do
    db = database(size: 1, timeout: 0.02)
    db.with do
      error = waiting { error_of { db.query('SELECT 1') } }.await
      expect(error).to be_a(Polyphony::TimeoutError)
      expect(error.message).to match(/no PostgreSQL connection was free within 0.02 s: all 1 are in use, by #<.*Fiber.*>; 0 more fibers wait. .* raise size:/)
    end
    expect(error_of { db.with { raise Polyphony::TimeoutError, 'own' } }.message).to eq('own')
  end

  it 'refuse other fibers, and everybody after the block' do
    kept = nil
    db.with do |connection|
      kept = connection
      expect(waiting { error_of { connection.query('SELECT 1') } }.await).to be_a(described_class::Busy).and have_attributes(message: /belongs to #<.*db.query, db.with/)
    end
    expect { kept.query('SELECT 1') }.to raise_error(described_class::Busy, /its? was given back|was given back/)
    expect { kept.raw }.to raise_error(described_class::Busy)
  end

  it 'refuse a second fiber while the first awaits an answer, which then gets its own' do
    db.with do |connection|
      other = spin { error_of { connection.query('SELECT 2') } }
      expect(connection.query('SELECT 1, pg_sleep(0.05)').values).to eq([['1', '']])
      expect(other.await).to be_a(described_class::Busy)
    end
  end

  it 'do not stay in a transaction that the block leaves open: an error says so' do
    pid = pid_of(db)
    expect { db.with { |c| c.exec('BEGIN') } }.to raise_error(described_class::NotCommitted, /rolled back: use transaction/)
    expect { db.query('BEGIN') }.to raise_error(described_class::NotCommitted)
    expect { db.with { |c| c.exec('BEGIN') && raise(IOError, 'own') } }.to raise_error(IOError, 'own')
    expect(db.with { |c| [c.pid.to_s, c.transaction?] }).to eq([pid, false])
  end

  it 'can be had raw; what is left running on one is ended' do
    pid = pid_of(db)
    db.with { |c| expect(c.raw.exec('SELECT 1').values).to eq([['1']]) }
    db.with { |c| c.raw.send_query(slow) }
    expect([pid_of(db), running(slow)]).to eq([pid, 0])
    db.with { |c| c.raw.enter_pipeline_mode }
    expect(pid_of(db)).not_to eq(pid)
  end

  it 'are asked whether they are alive after a pause, and replaced if not' do
    db = database(size: 1, idle_check: 0)
    pid = pid_of(db)
    later
    expect(pid_of(db)).to eq(pid)
    onlooker.query('SELECT pg_terminate_backend($1)', pid)
    wait_until { onlooker.value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', pid, types: true).zero? }
    later
    expect(pid_of(db)).not_to eq(pid)
  end

  it 'are replaced when they are old' do
    db = database(size: 1, max_lifetime: 0)
    expect(pid_of(db)).not_to eq(pid_of(db))
  end

  describe 'at the end' do
    it 'are closed: at once when idle, else when they come back' do
      db = database(size: 2, application_name: 'to be closed')
      db.connect(2)
      user = waiting { db.with { |c| c.value("SELECT 'done' FROM pg_sleep(0.1)") } }
      closer = spin { db.close }
      wait_until { db.closed? }
      expect { db.query('SELECT 1') }.to raise_error(Polyphony::Closed)
      expect { db.pipelined.query('SELECT 1') }.to raise_error(Polyphony::Closed)
      expect(error_of { db.listen('x') { nil } }).to be_a(Polyphony::Closed)
      expect(user.await).to eq('done')
      closer.await
      wait_until { sessions('to be closed').zero? }
      expect(db.inspect).to include('closed size=0/2')
    end

    it 'are cut when their users do not give them back in time' do
      db = database(size: 1)
      user = waiting { error_of { db.query(slow) } }
      wait_until { running(slow) == 1 }
      db.close(timeout: 0.01)
      expect(user.await).to be_a(PG::ConnectionBad).or(be_a(PG::QueryCanceled))
      wait_until { running(slow).zero? }
    end

    it 'reach the pipelines and listeners of other threads, too' do
      db.connect
      listening = Queue.new
      thread = Thread.new do
        Polyphony.run do
          listener = Polyphony.spin { error_of { db.listen('x', ready: -> { listening << true }) { nil } } }
          query = Polyphony.spin { error_of { db.pipelined.query(slow) } }
          [listener, query].map(&:await)
        end
      end
      Polyphony::ThreadPool.default.process { listening.pop }
      wait_until { running(slow) == 1 }
      db.close(timeout: 0.01)
      expect(Polyphony::ThreadPool.default.process { thread.value }).to match([an_instance_of(Polyphony::Closed), be_a(PG::ConnectionBad).or(be_a(PG::QueryCanceled))])
      wait_until { running(slow).zero? }
    end

    it 'are not waited for by who has one' do
      db.with { expect { db.close }.to raise_error(Polyphony::Error, /holds a resource/) }
    end
  end

  it 'are not inherited by a forked child, whose end leaves them alone' do
    db.connect(1)
    pid = pid_of(db)
    read, write = IO.pipe
    [-> { write.puts pid_of(db) }, -> {}, -> { GC.start }].each do |work|
      child = fork do
        work.call
        $stderr.reopen(File::NULL)
      end
      expect(Process.wait2(child).last).to be_success
    end
    write.close
    expect(read.read.to_i).to be_positive
    expect(pid_of(db)).to eq(pid)
  ensure
    read.close
  end

  it 'are left alone by a forked child that closes its database' do
    query = waiting { db.value("SELECT 'answer' FROM pg_sleep(0.2)") }
    pipelined = waiting { db.pipelined.value("SELECT 'another' FROM pg_sleep(0.2)") }
    wait_until { running("SELECT '") == 2 }
    Process.wait(fork { db.close(timeout: 0) })
    expect([query.await, pipelined.await]).to eq(%w[answer another])
  end

  it 'in use when the process is forked are refused in the child' do
    db.with do |connection|
      read, write = IO.pipe
      child = fork { write.write(error_of { connection.query('SELECT 1') }.class) }
      Process.wait(child)
      write.close
      expect(read.read).to match(/PG::ConnectionBad|PG::UnableToSend|Busy/)
      expect(connection.value('SELECT 1')).to eq('1')
    ensure
      read.close
    end
  end

  it 'say what they are doing' do
    db.with do |connection|
      expect(connection.inspect).to match(%r{\A#<Polyphony::Postgres::Connection .*/postgres pid=\d+ idle of #<.*> statements=0>\z})
      connection.transaction { expect(connection.inspect).to include(' in transaction of ') }
      expect(db.inspect).to match(%r{\A#<Polyphony::Postgres .*/postgres size=1/2 in_use=1 waiting=0>\z})
    end
  end
end
