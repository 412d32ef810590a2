# frozen_string_literal: true

require 'timeout'
require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, 'interrupted', :postgres, :fibers do
  let(:db) { database(size: 1) }

  def pid_of(db) = db.value('SELECT pg_backend_pid()')

  # Runs the block with a fiber that waits for the answer to a slow query.
  def in_mid_query(&query)
    fiber = waiting(&(query || -> { db.query(slow) }))
    wait_until { running(slow) == 1 }
    fiber
  end

  def expect_clean(pid)
    expect(running(slow)).to eq(0)
    expect([pid_of(db), db.stats[:in_use], db.stats[:discarded]]).to eq([pid, 0, 0])
  end

  describe 'in mid-query' do
    it 'by stop: the query is cancelled on the server, and the connection is used again' do
      pid = pid_of(db)
      in_mid_query.stop
      expect_clean(pid)
    end

    it 'by cancel and raise' do
      pid = pid_of(db)
      [->(fiber) { fiber.cancel(IOError) }, ->(fiber) { fiber.raise(IOError) }].each do |interrupt|
        fiber = in_mid_query { error_of { db.query(slow) } }
        interrupt.call(fiber)
        expect(fiber.await).to be_a(IOError)
      end
      expect_clean(pid)
    end

    it 'by move_on_after, cancel_after and Timeout' do
      pid = pid_of(db)
      expect(move_on_after(0.05, with_value: :cut) { db.query(slow) }).to eq(:cut)
      expect { cancel_after(0.05, with_exception: IOError) { db.exec(slow) } }.to raise_error(IOError)
      expect { Timeout.timeout(0.05) { db.exec_params(slow) } }.to raise_error(Timeout::Error)
      expect_clean(pid)
    end

    it 'at the very moment it is sent' do
      pid = pid_of(db)
      20.times { waiting { db.query(slow) }.stop }
      expect_clean(pid)
    end

    it 'of a prepared statement' do
      2.times { move_on_after(0.02) { db.query(slow) } }
      pid = pid_of(db)
      move_on_after(0.05) { db.query(slow) }
      expect_clean(pid)
    end

    it 'by the end of its parent' do
      pid = pid_of(db)
      parent = waiting { spin { db.query(slow) } && sleep }
      wait_until { running(slow) == 1 }
      parent.stop
      expect_clean(pid)
    end

    it 'leaves a session as it was: its transaction goes on' do
      name = table('a int')
      db.transaction do |tx|
        tx.query("INSERT INTO #{name} VALUES (1)")
        expect(error_of { tx.transaction { |inner| cancel_after(0.05, with_exception: IOError) { inner.query(slow) } } }).to be_a(IOError)
      end
      expect(db.value("SELECT count(*) FROM #{name}")).to eq('1')
    end
  end

  it 'again and again at random moments: never an answer that was for another' do
    random = Random.new(1)
    db = database(size: 3)
    200.times do |i|
      fiber = spin { db.value("SELECT $1::int FROM pg_sleep(#{i.even? ? 0 : 0.002})", i, types: true) }
      random.rand(4).times { snooze }
      move_on_after(random.rand(0.004)) { fiber.await }
      fiber.stop
      expect(fiber.result).to be_nil.or(eq(i))
      expect(db.value('SELECT $1::int', -i, types: true)).to eq(-i)
    end
    expect(db.stats).to include(in_use: 0, discarded: 0)
  end

  it 'while it waits for a connection: its place in the line is free' do
    db.with do
      fibers = Array.new(3) { waiting { db.query('SELECT 1') } }
      wait_until { db.stats[:waiting] == 3 }
      fibers.each(&:stop)
      expect(db.stats[:waiting]).to eq(0)
    end
    expect(db.value('SELECT 1')).to eq('1')
  end

  it 'while it connects: no descriptor is left' do
    server = TCPServer.new('127.0.0.1', 0)
    db = database(host: '127.0.0.1', port: server.addr[1], size: 1)
    before = Dir.children('/proc/self/fd').size
    fiber = waiting { db.query('SELECT 1') }
    wait_until { Dir.children('/proc/self/fd').size > before }
    fiber.stop
    expect(Dir.children('/proc/self/fd').size).to eq(before)
    expect(db.stats).to include(size: 0, in_use: 0)
  ensure
    server.close
  end

  it 'again while it is being cleaned up: that is done to its end' do
    pid = pid_of(db)
    fiber = in_mid_query
    stopper = spin { fiber.stop }
    fiber.stop(now: true)
    stopper.await
    expect_clean(pid)
  end
end
