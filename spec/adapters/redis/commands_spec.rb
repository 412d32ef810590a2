# frozen_string_literal: true

require_relative '../../support/redis'

RSpec.describe Polyphony::Redis, :fibers, :redis do
  let!(:redis) { open_redis(timeout: 20, size: 5) }

  after { onlooker.call('DEL', key, key(:list), key(:other), key(:stream)) }

  describe '#multi, #watch, #pipelined' do
    it 'executes commands together, or none when the block raises' do
      expect(redis.multi { |t| t.call('SET', key, 1); t.call('INCR', key) }).to eq(['OK', 2])
      expect { redis.multi { |t| t.call('SET', key, 9); raise IOError } }.to raise_error(IOError)
      expect { redis.multi { |t| t.call('LPUSH', key, 1); t.call('INCR', key) } }.to raise_error(RedisClient::WrongTypeError)
      expect([redis.call('GET', key), redis.multi { nil }, redis.stats[:pool]]).to match(['3', [], include(made: 1, in_use: 0)])
    end

    it 'executes nothing when a watched key was changed, as often as it is to try' do
      redis.call('SET', key, 1)
      tries = 0
      change = lambda do |transaction, client|
        tries += 1
        value = client.call('GET', key).to_i
        redis.call('INCR', key) if tries < 3
        transaction.call('SET', key, value * 10)
      end
      expect([redis.watch(key, &change), redis.call('GET', key)]).to eq([nil, '2'])
      expect([redis.watch(key, attempts: 5, &change), redis.call('GET', key), tries]).to eq([['OK'], '30', 3])
      expect { redis.watch(key) { raise IOError } }.to raise_error(IOError)
      expect { redis.watch }.to raise_error(ArgumentError)
      expect { redis.watch { nil } }.to raise_error(ArgumentError, /key/)
    end

    it 'hands out no connection that watches what a stopped fiber has watched' do
      one = open_redis(timeout: 20, size: 1)
      watcher = spin { one.watch(key) { log << :watches && suspend } }
      wait_until { log == [:watches] }
      watcher.stop
      redis.call('SET', key, 'changed')
      expect(one.multi { |t| t.call('SET', key, 'mine') }).to eq(['OK'])
      half = spin { one.with { |client| client.call('MULTI') && log << :half && suspend } }
      wait_until { log.last == :half }
      half.stop
      expect(one.with { |client| client.call('GET', key) }).to eq('mine')
      expect(one.with { |client| client.call('PING'); break :broken }).to eq(:broken)
      expect(one.multi { |t| t.call('PING') }).to eq(%w[PONG])
    end

    it 'sends a pipeline in one go; errors at the end, or among the replies' do
      redis.call('SET', key, 1)
      work = ->(p) { p.call('LPUSH', key, 1); p.call('INCR', key) }
      expect { redis.pipelined(&work) }.to raise_error(RedisClient::WrongTypeError)
      expect(redis.pipelined(exception: false, &work)).to match([be_a(RedisClient::WrongTypeError), 3])
    end
  end

  it 'runs scripts, sending them once' do
    script = redis.script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
    redis.call('SCRIPT', 'FLUSH')
    expect([script.call(keys: [key], args: [5]), script.call(keys: [key], args: ['x'])]).to eq([[key, '5', 1], [key, 'x', 2]])
    expect(redis.call('SCRIPT', 'EXISTS', script.sha)).to eq([1])
    expect { redis.script('return redis.error_reply("MY error")').call }.to raise_error(RedisClient::CommandError, /MY error/)
    expect(redis.script('return redis.call("GET", KEYS[1])', read_only: true).call(keys: [key])).to eq('2')
    expect([script.inspect, script.source]).to match([/#{script.sha}/, /KEYS/])
  end

  describe 'commands that block' do
    it 'wait on connections of their own, while others are answered' do
      poppers = [waiting { redis.blpop(key(:list)) }, waiting { redis.call('BRPOP', key(:list), 0) }, waiting { redis.blmove(key(:list), key(:other), from: :right) }]
      wait_until { clients('blpop') == 1 && clients('brpop') == 1 && clients('blmove') == 1 }
      expect(redis.call('PING')).to eq('PONG')
      3.times { |i| redis.call('RPUSH', key(:list), i) }
      expect(poppers.map(&:await)).to match([[key(:list), /\d/], [key(:list), /\d/], /\d/])
      redis.call('ZADD', key, 1, 'a', 2, 'b')
      expect([redis.bzpopmin(key), redis.bzpopmax(key), redis.bzpopmin(key, timeout: 0.01)]).to eq([[key, 'a', 1.0], [key, 'b', 2.0], nil])
      expect([redis.brpop(key(:list), timeout: 0.01), redis.blpop(key(:list), timeout: 0.01)]).to eq([nil, nil])
    end

    it 'end on the server, too, when their fiber is stopped' do
      fiber = waiting { redis.blpop(key(:list)) }
      wait_until { clients('blpop') == 1 }
      fiber.stop
      wait_until { clients('blpop').zero? }
      redis.call('RPUSH', key(:list), 'kept')
      expect([redis.call('LLEN', key(:list)), redis.stats[:pool]]).to match([1, include(in_use: 0)])
      expect { redis.blocking_call(-1, 'PING') }.to raise_error(ArgumentError)
    end
  end

  it 'goes through what there is piece by piece' do
    redis.call('HSET', key, (0...300).to_h { |i| ["f#{i}", i] })
    expect(redis.hscan_each(key, count: 50).to_h { |field, value| [field, value.to_i] }).to eq((0...300).to_h { |i| ["f#{i}", i] })
    redis.call('SADD', key(:list), (0...300).to_a)
    expect(redis.sscan_each(key(:list)).map(&:to_i).uniq.sort).to eq((0...300).to_a)
    redis.call('ZADD', key(:other), 1.5, 'a', 2, 'b')
    expect(redis.zscan_each(key(:other)).to_a).to eq([['a', 1.5], ['b', 2.0]])
    expect([redis.scan_each(match: "#{key}*").to_a, redis.scan_each(match: "#{key(:list)}*", type: 'set').to_a, redis.scan_each(count: 100) { break 1 }])
      .to eq([[key], [key(:list)], 1])
  end

  describe '#each_entry' do
    let(:stream) { key(:stream) }

    def add(*values) = values.each { |value| redis.call('XADD', stream, '*', 'v', value) }

    # @return [Array] the first entries' values
    def take(count, **options)
      found = []
      redis.each_entry(stream, **options) { |_, fields| (found << fields['v']).size == count && break }
      found
    end

    it 'yields what there is, what comes, or both' do
      add(1, 2)
      expect(take(2, from: '0')).to eq(%w[1 2])
      fibers = [waiting { take(2) }, waiting { take(4, from: '0', count: 1) }]
      wait_until { clients('xread') == 2 }
      add(3, 4)
      expect(fibers.map(&:await)).to eq([%w[3 4], %w[1 2 3 4]])
    end

    it 'gives each entry to one consumer of a group, and acknowledges it after the block' do
      got = Hash.new { |hash, name| hash[name] = [] }
      consumers = %w[a b].map { |name| waiting { redis.each_entry(stream, group: 'g', consumer: name, from: '0', count: 1) { |_, f| got[name] << f['v'].to_i } } }
      wait_until { clients('xreadgroup') == 2 }
      add(*0...50)
      wait_until { got.values.sum(&:size) == 50 && redis.call('XPENDING', stream, 'g').first.zero? }
      expect([got.values.flatten.sort, got.keys.sort]).to eq([(0...50).to_a, %w[a b]])
      consumers.each(&:stop)
    end

    it 'comes back to what was not acknowledged, and takes over what others have left' do
      add(*0..4)
      seen = []
      expect { redis.each_entry(stream, group: 'g', consumer: 'a', from: '0') { |_, f| (seen << f['v']).size == 3 && raise(RedisClient::ConnectionError, 'mine') } }
        .to raise_error(RedisClient::ConnectionError, 'mine')
      expect([take(1, group: 'g', consumer: 'a'), redis.call('XPENDING', stream, 'g').first]).to eq([%w[2], 3])
      redis.call('XDEL', stream, redis.call('XRANGE', stream, '-', '+').last.first)
      waits = waiting { take(3, group: 'g', consumer: 'b', claim: 0.01, ack: false) }
      wait_until { redis.call('XPENDING', stream, 'g').last.to_a.map(&:first).include?('b') }
      add('new')
      expect(waits.await).to include('2', '3')
      expect { redis.each_entry(stream, group: 'g') { nil } }.to raise_error(ArgumentError, /consumer/)
      expect { redis.each_entry(stream) }.to raise_error(ArgumentError, /block/)
      expect { redis.each_entry(stream, count: 0) { nil } }.to raise_error(ArgumentError, /count/)
    end

    it 'goes on after the server was away, and makes the group again when it was lost' do
      own = own_server
      away = open_redis(url: own.url, timeout: 20, reconnect_attempts: [0.05] * 200)
      got = []
      fiber = waiting { away.each_entry('s', group: 'g', consumer: 'c', from: '0') { |_, f| got << f['v'] } }
      away.call('XADD', 's', '*', 'v', 1)
      wait_until { got == %w[1] && clients('xreadgroup', to: away) == 1 }
      expect do
        own.restart
        away.call('XADD', 's', '*', 'v', 2)
        wait_until { got == %w[1 2] }
      end.to output(/\A(Polyphony::Redis: stream s: .*; trying again in \d\.\d s\n)+\z/).to_stderr
      fiber.stop
    end
  end
end
