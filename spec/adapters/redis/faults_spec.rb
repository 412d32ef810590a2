# frozen_string_literal: true

require_relative '../../support/redis'

RSpec.describe Polyphony::Redis, :fibers, :redis do
  it 'goes on after the server was killed and started again in mid-load: what was answered was done once' do
    own = own_server('--appendonly', 'yes', '--appendfsync', 'no')
    shared = open_redis(url: own.url, timeout: 20, reconnect_attempts: [0.05] * 200)
    errors = []
    counted = 0
    done = false
    workers = Array.new(20) do |i|
      spin do
        until done
          begin
            shared.call('INCR', "n#{i}")
            counted += 1
          rescue Polyphony::Redis::Unanswered => e
            errors << e
          rescue RedisClient::CommandError => e
            raise unless e.code == 'LOADING' # the server reads its file: nothing was done
          end
        end
      end
    end
    readers = Array.new(5) do
      spin do # they are sent again, and never fail for the connection
        shared.call('GET', 'n0') until done
      rescue RedisClient::CommandError => e
        e.code == 'LOADING' ? retry : raise
      end
    end
    wait_until { counted > 500 }
    own.kill
    own.start
    before = counted
    wait_until { counted > before + 500 }
    done = true
    [*workers, *readers].each(&:await)
    total = Array.new(20) { |i| shared.call('GET', "n#{i}").to_i }.sum
    expect([errors.size, shared.stats[:connects]]).to match([be <= 20, be >= 2])
    expect(errors.map(&:message)).to all(match(/no reply to INCR had come: it may or may not have been executed/))
    expect(total).to be_between(counted, counted + errors.size)
  end

  it 'does not send again what was sent, unless it only reads or is said to be harmless' do
    served = Queue.new
    fake = fake_server do |socket|
      commands = []
      loop do
        data = socket.readpartial(1000)
        if data.include?('HELLO') then socket.write("%0\r\n")
        else
          served << data[/\$\d+\r\n(\w+)\r\n/, 1]
          commands << data
          break socket.close if served.size.odd? # the first answer never comes

          socket.write("$1\r\n1\r\n")
        end
      end
    end
    shared = open_redis(url: fake.url, timeout: 20)
    expect(shared.call('GET', 'x')).to eq('1')
    expect { shared.call('SET', 'x', 1) }.to raise_error(Polyphony::Redis::Unanswered, /It was not sent again/)
    served << 'even'
    expect(shared.call_idempotent('SET', 'x', 1)).to eq('1')
    expect { shared.call_once('GET', 'x') }.to raise_error(Polyphony::Redis::Unanswered)
    expect(Array.new(served.size) { served.pop }).to eq(%w[GET GET SET even SET SET GET])
  end

  it 'gives up when there is no server, after its attempts, with one attempt for all who wait' do
    shared = open_redis(url: "redis://127.0.0.1:#{RedisServer.free_port}", reconnect_attempts: [0, 0.01])
    expect(Array.new(10) { spin { error_of { shared.call('SET', 'k', 1) } } }.map(&:await))
      .to all(be_a(RedisClient::CannotConnectError).and(have_attributes(message: /is a Redis server running there/)))
    expect { shared.blpop('x') }.to raise_error(RedisClient::CannotConnectError)
    expect { shared.subscribe('x') { nil } }.to raise_error(RedisClient::CannotConnectError)
  end

  it 'connects once for all who wait for that' do
    shared = open_redis(timeout: 20)
    expect(Array.new(10) { |i| spin { shared.call('ECHO', i) } }.map(&:await)).to eq(('0'..'9').to_a)
    expect(shared.stats[:connects]).to eq(1)
  end

  it 'connects for the others when the fiber that connects is stopped' do
    through = proxy
    through.stall
    shared = open_redis(url: "redis://127.0.0.1:#{through.port}", timeout: 20)
    fibers = Array.new(3) { |i| waiting { shared.call('ECHO', i) } }
    fibers.first.stop
    through.flow
    expect(fibers.drop(1).map(&:await)).to eq(%w[1 2])
  end

  it 'says what to do about passwords' do
    own = own_server('--requirepass', 'right')
    expect(open_redis(url: "redis://:right@127.0.0.1:#{own.port}").call('PING')).to eq('PONG')
    { "redis://:wrong@127.0.0.1:#{own.port}" => [RedisClient::AuthenticationError, /WRONGPASS.*Check user and password: .*redis:/m],
      "redis://127.0.0.1:#{own.port}" => [RedisClient::CommandError, /The server wants a password/],
      "redis://127.0.0.1:#{own.port}/99" => [RedisClient::CommandError, /wants a password/] }.each do |url, (error, words)|
      refused = open_redis(url: url)
      expect { refused.call('PING') }.to raise_error(error, words)
      expect { refused.blpop('x') }.to raise_error(error, words)
      expect { refused.subscribe('x') { nil } }.to raise_error(error, words)
    end
    expect { open_redis(url: ENV.fetch('REDIS_URL'), password: 'none', protocol: 2).call('PING') }.to raise_error(RedisClient::CommandError, /leave it out/)
    expect { open_redis(url: "redis://:right@127.0.0.1:#{own.port}/99").call('PING') }.to raise_error(RedisClient::CommandError, /no such database/)
  end

  it 'says so when the server takes no more connections, and connects when it does again' do
    own = own_server('--maxclients', '3')
    shared = open_redis(url: own.url, reconnect_attempts: 0)
    shared.call('PING')
    others = Array.new(2) { waiting { shared.blpop('list') } }
    wait_until { clients('blpop', to: shared) == 2 }
    errors = [error_of { shared.blpop('more') }, error_of { open_redis(url: own.url, reconnect_attempts: 0).call('PING') }]
    expect(errors).to all(be_a(RedisClient::CannotConnectError).and(have_attributes(message: /max number of clients reached.*raise maxclients there/)))
    others.each(&:stop)
    wait_until { clients('blpop', to: shared).zero? }
    expect(shared.blpop('more', timeout: 0.01)).to be_nil
  end

  it 'gives up on a network that stalls, and connects anew when it does not' do
    through = proxy
    shared = open_redis(url: "redis://127.0.0.1:#{through.port}", timeout: 0.3, reconnect_attempts: 0)
    shared.call('PING')
    through.stall
    fibers = Array.new(5) { spin { error_of { shared.call('SET', key, 1) } } }
    expect(fibers.map(&:await)).to all(be_a(RedisClient::ConnectionError))
    through.flow
    expect([shared.call('ECHO', 'again'), shared.stats[:connects]]).to eq(['again', 2])
    onlooker.call('DEL', key)
  end

  { 'no RESP' => "HTTP/1.1 400 Bad Request\r\n\r\n", 'a length beyond all bounds' => "$99999999999\r\n",
    'half a reply and nothing more' => "$10\r\nabc" }.each do |title, bytes|
    it "ends all calls in an error when the server sends #{title}" do
      fake = fake_server do |socket|
        socket.readpartial(1000)
        socket.write("%0\r\n")
        socket.readpartial(1000)
        socket.write(bytes)
        socket.close_write
        socket.read
      end
      shared = open_redis(url: fake.url, timeout: 20, reconnect_attempts: 0)
      errors = Array.new(2) { spin { error_of { shared.call('SET', 'k', 1) } } }.map(&:await)
      expect(errors).to all(be_a(RedisClient::ConnectionError)).and(all(have_attributes(message: /no reply to SET had come/)))
    end
  end

  it 'gives up a connection over which a reply comes that nobody has asked for' do
    fake = fake_server do |socket|
      socket.readpartial(1000)
      socket.write("%0\r\n")
      loop { socket.write("+OK\r\n+OK\r\n") if socket.readpartial(1000) }
    end
    shared = open_redis(url: fake.url, timeout: 20)
    expect([shared.call('SET', 'k', 1), shared.call('SET', 'k', 1), shared.stats[:connects]]).to eq(['OK', 'OK', 2])
  end

  it 'leaves nothing behind after 10,000 operations, fibers stopped and connections broken among them' do
    own = own_server
    measure = lambda do
      GC.start
      [Dir.children('/proc/self/fd').size, Thread.list.size, Polyphony::Scheduler.current.live]
    end
    own.restart
    before = measure.call
    shared = open_redis(url: own.url, size: 5, timeout: 20, reconnect_attempts: [0.05] * 100)
    10.times do |round|
      fibers = Array.new(100) do |i|
        spin do
          7.times { |n| shared.call('INCR', "n#{n}") }
          shared.multi { |t| t.call('SET', 'k', i) }
          shared.pipelined { |p| p.call('GET', 'k') }
          i % 10 == 0 ? shared.blpop('none') : shared.call('GET', 'k')
        end
      end
      wait_until { fibers.count(&:alive?) == 10 && shared.stats[:pool][:waiting] == 5 }
      fibers.select(&:alive?).each(&:stop)
      own.restart if round == 5
    end
    expect(shared.stats).to match(include(calls: be >= 7900, waiting: 0, pool: include(in_use: 0)))
    shared.close
    wait_until { measure.call == before }
  end
end
