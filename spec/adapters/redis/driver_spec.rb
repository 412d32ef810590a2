# frozen_string_literal: true

require_relative '../../support/redis'
require_relative '../../support/http_certificates'

RSpec.describe Polyphony::Redis::Connection, :fibers, :redis do
  def config(**options) = RedisClient.config(url: ENV.fetch('REDIS_URL'), driver: :polyphony, **options)

  # @return [RedisClient] closed after the example
  def client(**options) = config(**options).new_client.tap { |made| things << made }

  after { onlooker.call('DEL', key) }

  it 'gives what the driver of redis-client gives' do
    commands = [['SET', key, 'ü'], ['GET', key], ['SET', key, "\xff".b], ['GET', key], ['DEL', key], ['HSET', key, 'a', 1, 'b', 2], ['HGETALL', key],
                ['GET', "#{key}:none"], ['DEL', key], ['ZADD', key, 1.5, 'm'], ['ZSCORE', key, 'm'], ['ZRANGE', key, 0, -1, 'WITHSCORES'],
                %w[COMMAND COUNT], ['EVAL', 'return {1, {2, {}}, "x", false}', 0], ['INFO', 'nothing'], ['CONFIG', 'GET', 'maxmemory*'], ['OBJECT', 'ENCODING', key]]
    [2, 3].each do |protocol|
      replies = %i[ruby polyphony].map do |driver|
        other = RedisClient.config(url: ENV.fetch('REDIS_URL'), driver: driver, protocol: protocol).new_client
        commands.map { |command| other.call_v(command) }.tap { other.close }
      end
      expect(replies.last).to eq(replies.first)
      expect(replies.last.flatten.grep(String).map(&:encoding).uniq).to contain_exactly(Encoding::UTF_8, Encoding::BINARY) if String.method_defined?(:byteindex)
    end
  end

  it 'raises what that raises, and goes on' do
    redis = client
    redis.call('SET', key, 1)
    expect { redis.call('LPUSH', key, 1) }.to raise_error(RedisClient::WrongTypeError) { |e| expect(e.command).to eq(['LPUSH', key, '1']) }
    expect { redis.call('NOSUCH') }.to raise_error(RedisClient::CommandError, /unknown command/)
    expect { redis.pipelined { |p| 3.times { p.call('LPUSH', key, 1) } } }.to raise_error(RedisClient::WrongTypeError)
    expect([redis.call('GET', key), redis.config.driver, redis.measure_round_trip_delay]).to match(['1', described_class, be > 0])
  end

  it 'lets other fibers run while it waits, and is used by one of several at a time' do
    redis = client
    ticks = 0
    ticker = spin { loop { ticks += 1; snooze } }
    expect(redis.blocking_call(0.05, 'BLPOP', key, 0.05)).to be_nil
    expect(ticks).to be > 10
    ticker.stop
  end

  it 'keeps to its time limits, and is in step after them' do
    redis = client(timeout: 0.05)
    redis.call('SET', key, 'value')
    expect { redis.call('BLPOP', "#{key}:none", 60) }.to raise_error(RedisClient::ReadTimeoutError, /sent nothing for 0.05 s/)
    expect(redis.call('GET', key)).to eq('value')
    expect { redis.blocking_call(0.01, 'BLPOP', "#{key}:none", 60) }.to raise_error(RedisClient::ReadTimeoutError)
    expect(redis.call('GET', key)).to eq('value')
    pop = waiting { redis.blocking_call(0, 'BLPOP', key(:list), 0) }
    onlooker.call('RPUSH', key(:list), 'x')
    expect(pop.await).to eq([key(:list), 'x'])
  end

  it 'is in step after a fiber was stopped in mid-command, in mid-pipeline, or in mid-write' do
    redis = client
    redis.call('SET', key, 'value')
    [-> { redis.call('BLPOP', "#{key}:none", 0) }, -> { redis.pipelined { |p| p.call('GET', key); p.call('BLPOP', "#{key}:none", 0) } },
     -> { redis.call('SET', "#{key}:large", 'x' * 50_000_000) }].each do |work|
      waiting { work.call }.stop
      expect(redis.call('GET', key)).to eq('value')
    end
    wait_until { clients('blpop').zero? }
    expect(redis.call('GET', "#{key}:large")).to be_nil
  end

  it 'reads and writes values of 30 MB beside a ticker' do
    redis = client(timeout: 20)
    value = Random.new(1).bytes(30_000_000)
    turns = 0
    ticker = spin { loop { turns += 1; snooze } }
    redis.call('SET', key, value)
    written = turns
    expect(redis.call('GET', key)).to eq(value)
    expect([written, turns - written]).to all(be > 5)
    ticker.stop
  end

  it 'sends and reads 20,000 commands in a pipeline beside a ticker' do
    redis = client(timeout: 20)
    turns = 0
    ticker = spin { loop { turns += 1; snooze } }
    replies = redis.pipelined { |p| 20_000.times { |i| p.call('ECHO', i) } }
    expect([replies.size, replies.first, replies.last, replies.each_with_index.all? { |r, i| r == i.to_s }]).to eq([20_000, '0', '19999', true])
    expect(turns).to be > 100
    ticker.stop
  end

  it 'notices before it is used again that the server has gone, or has said something unasked' do
    own = own_server
    redis = RedisClient.config(url: own.url, driver: :polyphony).new_client
    redis.call('PING')
    used = Polyphony.now
    own.restart
    wait_until { Polyphony.now - used > 0.05 } # it looks at none that was used a moment ago
    expect(redis.call('PING')).to eq('PONG')
    redis.close
  end

  it 'carries publish and subscribe, transactions and scans' do
    redis = client
    pubsub = client.pubsub
    things << pubsub
    pubsub.call('SUBSCRIBE', key(:channel))
    expect(pubsub.next_event(5)).to eq(['subscribe', key(:channel), 1])
    listener = waiting { pubsub.next_event(20) }
    redis.call('PUBLISH', key(:channel), 'hello')
    expect([listener.await, pubsub.next_event(0.01)]).to eq([['message', key(:channel), 'hello'], nil])
    waiting { pubsub.next_event(20) }.stop # in the midst of nothing: it goes on
    redis.call('PUBLISH', key(:channel), 'again')
    expect(pubsub.next_event(5).last).to eq('again')
    expect(redis.multi { |t| t.call('SET', key, 1); t.call('INCR', key) }).to eq(['OK', 2])
    expect(redis.scan('MATCH', key).to_a).to eq([key])
  end

  it 'works under redis-rb, and with many fibers over a pool of redis-client' do
    redis = Redis.new(url: ENV.fetch('REDIS_URL'), driver: :polyphony)
    expect([redis.set(key, 5), redis.incr(key), redis.get(key)]).to eq(['OK', 6, '6'])
    redis.close
    # One connection each, since connection_pool counts per thread and fiber as it likes.
    fibers = Array.new(50) { |i| spin { c = client; Array.new(20) { c.call('ECHO', i) }.uniq } }
    expect(fibers.map(&:await)).to eq(Array.new(50) { |i| [i.to_s] })
  end

  it 'connects by a UNIX socket, and refuses what cannot be with words that help' do
    own = own_server
    redis = RedisClient.config(path: own.socket, driver: :polyphony).new_client
    expect([redis.call('PING'), redis.instance_variable_get(:@raw_connection).inspect]).to match(['PONG', /unix:.* pending=0/])
    redis.close
    port = RedisServer.free_port
    expect { RedisClient.config(host: '127.0.0.1', port: port, driver: :polyphony).new_client.call('PING') }
      .to raise_error(RedisClient::CannotConnectError, /is a Redis server running there.*REDIS_URL/)
    expect { RedisClient.config(path: "#{own.dir}/none", driver: :polyphony).new_client.call('PING') }.to raise_error(RedisClient::CannotConnectError)
  end

  it 'works in plain threads, each with a scheduler of its own' do
    values = Array.new(3) do |i|
      Thread.new { c = config.new_client; Array.new(10) { c.call('ECHO', i) }.uniq.tap { c.close } }
    end
    expect(values.map(&:value)).to eq([%w[0], %w[1], %w[2]])
  end

  describe 'over TLS' do
    let(:server) do
      dir = Dir.mktmpdir.tap { |path| things << Class.new { define_method(:close) { FileUtils.remove_entry(path) } }.new }
      HttpCertificates.certificate('localhost', '127.0.0.1').save(dir, 'server')
      @dir = dir
      own_server('--tls-port', port.to_s, '--tls-cert-file', "#{dir}/server.crt", '--tls-key-file', "#{dir}/server.key",
                 '--tls-ca-cert-file', "#{dir}/server.crt", '--tls-auth-clients', 'no', port: 0)
    end
    let(:port) { RedisServer.free_port }

    it 'works, with large values too, and is in step after a stop' do
      server
      options = { url: "rediss://localhost:#{port}", driver: :polyphony, timeout: 10, ssl_params: { ca_file: "#{@dir}/server.crt" } }
      redis = RedisClient.config(**options).new_client
      value = Random.new(1).bytes(3_000_000)
      expect([redis.call('SET', 'k', value), redis.call('GET', 'k') == value]).to eq(['OK', true])
      waiting { redis.call('BLPOP', 'none', 0) }.stop
      expect([redis.call('GET', 'k') == value, redis.call('PING')]).to eq([true, 'PONG'])
      redis.close
      shared = open_redis(**options.except(:driver))
      expect(Array.new(20) { |i| spin { shared.call('ECHO', i) } }.map(&:await)).to eq((0..19).map(&:to_s))
    end

    it 'says what to look at when the certificate is not trusted, or the server speaks no TLS' do
      server
      expect { open_redis(url: "rediss://localhost:#{port}", reconnect_attempts: 0).call('PING') }
        .to raise_error(RedisClient::CannotConnectError, /TLS handshake failed.*ssl_params/)
      plain = URI(ENV.fetch('REDIS_URL')).port
      expect { open_redis(url: "rediss://127.0.0.1:#{plain}", reconnect_attempts: 0, timeout: 0.3).call('PING') }.to raise_error(RedisClient::CannotConnectError)
    end
  end
end
