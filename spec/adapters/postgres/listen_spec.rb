# frozen_string_literal: true

require_relative '../../support/postgres'

RSpec.describe Polyphony::Postgres, '#listen', :postgres, :fibers do
  let(:db) { database(size: 2, application_name: name, idle_check: 0.05) }
  let(:name) { "listener #{Process.pid} #{object_id}" }

  # @return [Array(Fiber, Array)] a fiber that listens by now, and what it gets
  def listener(*channels, from: db, **options)
    got = []
    ready = false
    fiber = spin { from.listen(*channels, ready: -> { ready = true }, **options) { |*message| got << message } }
    wait_until { ready || !fiber.alive? }
    [fiber, got]
  end

  def disconnect
    onlooker.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND query !~ 'pg_notify|^SELECT'", name)
  end

  it 'yields what is sent, with its channel and by whom' do
    _, got = listener('news', 'weather')
    db.notify('news', 'one')
    db.notify(:weather)
    db.notify('sport', 'not heard')
    pid = db.transaction { |tx| tx.notify('news', 'two') && tx.value('SELECT pg_backend_pid()', types: true) || tx.value('SELECT pg_backend_pid()', types: true) }
    wait_until { got.size == 3 }
    expect(got).to match([['one', 'news', Integer], ['', 'weather', Integer], ['two', 'news', pid]])
  end

  it 'takes names as they are, and refuses those that cannot be' do
    _, got = listener('Mixed "case" ü')
    db.notify('Mixed "case" ü', 'x')
    db.notify('mixed "case" ü', 'y')
    db.notify('Mixed "case" ü', 'z')
    wait_until { got.size == 2 }
    expect(got.map(&:first)).to eq(%w[x z])
    expect { db.listen('x' * 64) { nil } }.to raise_error(ArgumentError, /1 to 63 bytes/)
    expect { db.listen { nil } }.to raise_error(ArgumentError, /at least one channel/)
    expect { db.notify('', 'x') }.to raise_error(ArgumentError, /1 to 63 bytes/)
  end

  it 'refuses payloads that are too long' do
    _, got = listener('long')
    db.notify('long', 'x' * 7999)
    wait_until { got.size == 1 }
    expect(got.dig(0, 0).size).to eq(7999)
    expect { db.notify('long', 'ü' * 4000) }.to raise_error(described_class::PayloadTooLong, /at most 7999 bytes, this one for long has 8000.*table/)
  end

  it 'uses one connection for all, and none when nobody listens' do
    fibers = Array.new(20) { |i| listener("channel #{i}", 'all') }
    expect(sessions(name)).to eq(1)
    expect(db.stats).to include(listening: 20, connects: 1)
    onlooker.notify('all', 'x')
    wait_until { fibers.all? { |_, got| got == [['x', 'all', got.dig(0, 2)]] } }
    onlooker.notify('channel 7', 'y')
    wait_until { fibers[7].last.size == 2 }
    fibers.each { |fiber, _| fiber.stop }
    wait_until { sessions(name).zero? }
  end

  it 'goes on for others when the fiber that reads is stopped or works' do
    first, = listener('a')
    _, got = listener('a')
    first.stop
    onlooker.notify('a', '1')
    wait_until { got.size == 1 }
    busy = []
    worker = spin { db.listen('a') { |payload| busy << payload && sleep } }
    wait_until { db.stats[:listening] == 2 }
    snooze
    5.times { |i| onlooker.notify('a', i) }
    wait_until { got.size == 6 }
    worker.stop
  end

  it 'ends with break, and gives what that gives' do
    fiber = spin { db.listen('x', ready: -> { onlooker.notify('x', 'only') }) { |payload| break payload } }
    expect(fiber.await).to eq('only')
    expect(db.stats[:listening]).to eq(0)
  end

  it 'connects again when the connection is lost, listens again, and tells of the gap' do
    gaps = 0
    _, got = listener('a', 'b', gap: -> { gaps += 1 })
    3.times do |i|
      disconnect
      wait_until { gaps == i + 1 }
      onlooker.notify(i.even? ? 'a' : 'b', i)
      wait_until { got.size == i + 1 }
    end
    expect(got.map(&:first)).to eq(%w[0 1 2])
    expect(db.stats).to include(gaps: 3)
  end

  it 'tells a fiber that is too slow, and no other' do
    errors = []
    slow = waiting { db.listen('x', limit: 3) { sleep } rescue errors << $! } # rubocop:disable Style/RescueModifier
    quick = 0
    spin { db.listen('x') { quick += 1 } }
    late = spin do
      db.listen('x', limit: 3, ready: -> { receive }) { nil }
    rescue Polyphony::Overflow => e
      errors << e
    end
    wait_until { db.stats[:listening] == 3 && late.waiting_on.to_s.include?('receive') }
    10.times { |i| onlooker.notify('x', i) }
    wait_until { quick == 10 }
    late << :go
    wait_until { errors.any? }
    expect(errors.first.message).to match(/more than 3 notifications waited for a fiber that listens to x/)
    slow.stop
  end

  it 'reports what makes it impossible, to begin with' do
    nowhere = database(host: '127.0.0.1', port: 1)
    expect { nowhere.listen('x') { nil } }.to raise_error(described_class::ConnectionFailed, /nothing listens there/)
    expect(nowhere.stats[:listening]).to eq(0)
  end

  it 'is ended when the database is closed' do
    fiber = spin { error_of { db.listen('x') { nil } } }
    wait_until { sessions(name) == 1 }
    db.close
    expect(fiber.await).to be_a(Polyphony::Closed)
  end

  it 'is what a topic needs: publish and subscribe' do
    got = []
    ready = false
    spin { db.subscribe('t', ready: -> { ready = true }) { |*payload| got << payload } }
    wait_until { ready }
    db.publish('t', '{"a":1}')
    wait_until { got.any? }
    expect(got).to eq([['{"a":1}']])
  end

  it 'carries a topic between processes' do
    script = <<~RUBY
      require 'polyphony'
      require 'polyphony/adapters/postgres'
      topic = Polyphony::Topic.new('across', over: Polyphony::Postgres.new)
      subscription = topic.subscribe
      topic.publish('from' => 'child')
      loop { break if subscription.receive == { 'from' => 'parent' } }
    RUBY
    topic = Polyphony::Topic.new('across', over: db)
    subscription = topic.subscribe
    child = spin { Polyphony::ThreadPool.default.process { run_ruby(script) } }
    expect(subscription.receive(timeout: 20)).to eq('from' => 'child')
    topic.publish('from' => 'parent')
    expect(subscription.receive(timeout: 20)).to eq('from' => 'parent')
    expect([child.await.stderr, child.await.status.exitstatus]).to eq(['', 0])
    expect { topic.publish('x' * 8000) }.to raise_error(described_class::PayloadTooLong)
  end
end
