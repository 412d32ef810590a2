# frozen_string_literal: true

require_relative '../../support/redis'

RSpec.describe Polyphony::Redis, :fibers, :redis do
  after { onlooker.call('DEL', key, key(:list)) }

  let!(:redis) { open_redis(timeout: 20) }

  it 'answers, with what redis-client answers' do
    expect(redis.call('SET', key, 1, ex: 100, nx: true, get: nil)).to eq('OK')
    expect([redis.call(:get, key), redis.call_v(['GET', key]), redis.call('SET', key, 2, nx: true)]).to eq(['1', '1', nil])
    expect([redis.call('HSET', key(:list), { a: 1, b: 2 }), redis.call('HGETALL', key(:list))]).to eq([2, { 'a' => '1', 'b' => '2' }])
    expect(redis.stats).to include(calls: 6, waiting: 0, connects: 1, pool: include(made: 0))
  end

  it 'sends what many fibers call together in few writes, and gives each its own reply, in order' do
    redis.call('PING')
    before = redis.stats[:batches]
    fibers = Array.new(50) { |i| spin { Array.new(40) { |j| redis.call('ECHO', "#{i}.#{j}") } } }
    expect(fibers.map(&:await)).to eq(Array.new(50) { |i| Array.new(40) { |j| "#{i}.#{j}" } })
    expect([redis.stats[:calls], redis.stats[:batches] - before, redis.stats[:connects]]).to match([2001, be < 400, 1])
  end

  it 'sends what one fiber calls in the order of the calls' do
    fibers = Array.new(20) { |i| spin { 50.times { |j| redis.call('RPUSH', key(:list), "#{i}.#{j}") } } }
    fibers.each(&:await)
    lists = redis.call('LRANGE', key(:list), 0, -1).map { |value| value.split('.').map(&:to_i) }.group_by(&:first)
    expect(lists.transform_values { |pairs| pairs.map(&:last) }).to eq((0...20).to_h { |i| [i, (0...50).to_a] })
  end

  it 'raises an error of the server in the fiber whose command failed, and there only' do
    redis.call('SET', key, 1)
    fibers = Array.new(20) { |i| spin { error_of { redis.call(i.even? ? 'LPUSH' : 'INCR', key, *('x' if i.even?)) } } }
    errors = fibers.map(&:await)
    expect(errors.each_slice(2).to_a.transpose).to match([all(be_a(RedisClient::WrongTypeError)), all(be_nil)])
    expect([errors.first.command, errors.first.message]).to match([['LPUSH', key, 'x'], /WRONGTYPE.*redis:/])
    expect(redis.call('GET', key)).to eq('11')
  end

  it 'raises what is no command before anything is sent, and says what to use instead of what changes the connection' do
    expect { redis.call('SET', key, nil) }.to raise_error(TypeError)
    expect { redis.call }.to raise_error(ArgumentError, /empty/)
    { 'MULTI' => /multi \{/, 'subscribe' => /subscribe\(/, :select => /db:/, 'Auth' => /password:/, 'WATCH' => /watch/, 'MONITOR' => /RedisClient of its own/ }
      .each { |name, words| expect { redis.call(name, 1) }.to raise_error(ArgumentError, words) }
    expect { redis.call('CLIENT', 'REPLY', 'OFF') }.to raise_error(ArgumentError, /which other fibers share/)
    expect([redis.call('CLIENT', 'ID'), redis.call('PING')]).to match([Integer, 'PONG'])
  end

  it 'drops the reply of a fiber that was stopped, and gives the others theirs' do
    own = own_server
    shared = open_redis(url: own.url, timeout: 20)
    shared.call('PING')
    own.freeze_process # nothing is answered before all of them wait
    fibers = Array.new(30) { |i| waiting { shared.call('ECHO', i) } }
    settle
    stopped, others = fibers.each_with_index.partition { |_, i| (i % 3).zero? }
    stopped.each { |fiber, _| fiber.stop }
    own.go_on
    expect(others.map { |fiber, _| fiber.await }).to eq(others.map { |_, i| i.to_s })
    expect([shared.call('ECHO', 'after'), shared.stats]).to match(['after', include(connects: 1, waiting: 0)])
  end

  it 'takes back the command of a fiber that is stopped before it was sent' do
    redis.call('SET', key, 0)
    first = spin { redis.call('INCR', key) }
    others = Array.new(2) { |i| spin { redis.call('ECHO', i) } }
    snooze # all three have called: the first lets others add theirs before it writes
    first.stop
    expect([others.map(&:await), redis.call('GET', key)]).to eq([%w[0 1], '0'])
  end

  it 'takes it back from between others' do
    own = own_server
    shared = open_redis(url: own.url, timeout: 20)
    shared.call('SET', 'n', 0)
    own.freeze_process
    large = waiting { shared.call('SET', 'large', 'x' * 30_000_000) }
    wait_until { large.waiting_on.to_s.include?('io_write') }
    fibers = Array.new(5) { |i| waiting { i.odd? ? shared.call('INCRBY', 'n', 10**i) : shared.call('ECHO', i) } }
    fibers[1].stop
    own.go_on
    expect(fibers.values_at(0, 2, 3, 4).map(&:await)).to eq(['0', '2', 1000, '4'])
    expect([shared.call('GET', 'n'), large.await]).to eq(%w[1000 OK])
  end

  it 'goes on when the fiber that was to write is stopped, or the one that reads' do
    redis.call('SET', key, 0)
    20.times do |i|
      fibers = Array.new(5) { |n| spin { redis.call('ECHO', n) } }
      (i % 3).times { snooze }
      fibers[i % 5].stop
      expect(fibers.each_with_index.filter_map { |fiber, n| fiber.await unless n == i % 5 }).to eq(((0..4).to_a - [i % 5]).map(&:to_s))
    end
    expect(redis.stats).to include(connects: 1, waiting: 0)
  end

  # One other: the one that reads. Then its wait must be cut, for it to write.
  [1, 3].each do |count|
    it "finishes writing a large command when its fiber is stopped in the midst of it, for #{count} others" do
      own = own_server
      shared = open_redis(url: own.url, timeout: 20)
      shared.call('PING')
      own.freeze_process
      large = waiting { shared.call('SET', 'large', 'x' * 30_000_000) }
      wait_until { large.waiting_on.to_s.include?('io_write') }
      others = Array.new(count) { |i| waiting { shared.call('ECHO', i) } }
      wait_until { others.any? { |fiber| fiber.waiting_on.to_s.include?('io_read') } }
      large.stop
      own.go_on
      expect(others.map(&:await)).to eq(%w[0 1 2].take(count))
      expect([shared.call('STRLEN', 'large'), shared.stats]).to match([30_000_000, include(connects: 1)])
    end
  end

  it 'ends a call when its time is over, and stays in step' do
    own = own_server
    shared = open_redis(url: own.url, timeout: 0.2)
    shared.call('PING')
    own.freeze_process
    expect(Array.new(3) { |i| spin { error_of { shared.call('ECHO', i) } } }.map(&:await)).to all(be_a(RedisClient::ConnectionError))
    own.go_on
    expect(shared.call('ECHO', 'after')).to eq('after')
  end

  it 'keeps a connection that is slow but not silent: only the reply that is late is dropped' do
    first = nil
    fake = fake_server do |socket|
      socket.readpartial(1000) # HELLO
      socket.write("%0\r\n")
      first = socket.readpartial(1000)
      first << socket.readpartial(1000) until first.scan('ECHO').size == 2
      socket.write("$3\r\none\r\n") # the second is late
      sleep 0.01 until @late
      socket.write("$3\r\ntwo\r\n")
      loop { socket.write("$5\r\nthree\r\n") if socket.readpartial(1000) }
    end
    shared = open_redis(url: fake.url, timeout: 0.3)
    fibers = [spin { shared.call('ECHO', 'one') }, spin { error_of { shared.call('ECHO', 'two') } }]
    expect(fibers.map(&:await)).to match(['one', be_a(RedisClient::ReadTimeoutError)])
    @late = true
    expect([shared.call('ECHO', 'three'), shared.stats]).to match(['three', include(connects: 1)])
  end

  it 'is cut by the time limits of the fiber, too' do
    expect(move_on_after(0.02) { redis.blpop(key(:list)) }).to be_nil
    own = own_server
    shared = open_redis(url: own.url)
    shared.call('PING')
    own.freeze_process
    expect(move_on_after(0.02, with_value: :cut) { shared.call('GET', key) }).to eq(:cut)
    own.go_on
    expect(shared.call('ECHO', 1)).to eq('1')
  end

  it 'does without a shared connection if told so' do
    apart = open_redis(pipeline: false, size: 3)
    expect(Array.new(10) { |i| spin { [apart.call('ECHO', i), apart.call('SET', key, i, ex: 10)] } }.map(&:await)).to eq(Array.new(10) { |i| [i.to_s, 'OK'] })
    expect(apart.stats).to match(include(connects: 0, pool: include(made: be_between(1, 3))))
  end

  it 'has a shared connection for each thread, and none of the parent process in a forked child' do
    redis.call('SET', key, 1)
    expect(Array.new(3) { |i| Polyphony::Thread.new { [redis.call('ECHO', i), redis.call('CLIENT', 'ID')] } }.map(&:value).transpose).to match([%w[0 1 2], satisfy { |ids| ids.uniq.size == 3 }])
    reader, writer = IO.pipe
    name = key # of this process
    parent = redis.call('CLIENT', 'ID')
    pid = fork { writer.write([redis.call('INCR', name), redis.call('CLIENT', 'ID') == parent, redis.with { |c| c.call('ECHO', 'x') }].inspect) }
    Process.wait(pid)
    writer.close
    expect([reader.read, redis.call('INCR', key), redis.call('CLIENT', 'ID')]).to eq(['[2, false, "x"]', 3, parent])
  end

  it 'is closed once and for all: who waits gets an error' do
    fibers = [waiting { error_of { redis.call('EVAL', 'return 1', 0) } }]
    redis.close
    expect(fibers.first.await).to be_a(Polyphony::Closed).or be_nil
    expect([error_of { redis.call('PING') }, error_of { redis.blpop('x') }, error_of { redis.subscribe('x') { nil } }]).to all(be_a(Polyphony::Closed))
    expect([redis.closed?, redis.inspect]).to match([true, /closed/])
    expect(redis.close).to be_nil
  end

  it 'shows no password, and refuses options that make no sense' do
    hidden = open_redis(url: 'redis://user:secret@localhost:1/2')
    expect([hidden.inspect, hidden.config.db]).to match([%r{\A#<Polyphony::Redis redis://localhost:1/2 waiting=0 pool=0/10>\z}, 2])
    expect { open_redis(timeout: -1) }.to raise_error(ArgumentError, /timeout/)
    expect { open_redis(size: 0) }.to raise_error(ArgumentError, /limit/)
    expect { open_redis(config: RedisClient.config) }.to raise_error(ArgumentError, /driver: :polyphony/)
    expect { open_redis(reconnect_attempts: [-1]) }.to raise_error(ArgumentError)
    expect(open_redis(config: RedisClient.config(url: ENV.fetch('REDIS_URL'), driver: :polyphony)).call('PING')).to eq('PONG')
  end
end
