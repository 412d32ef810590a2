# frozen_string_literal: true

require 'polyphony/thread'
require_relative '../../support/redis'

RSpec.describe Polyphony::Topic, :fibers, :redis do
  let!(:redis) { open_redis(timeout: 20) }
  let(:name) { key(:topic) }

  # @return [Polyphony::Fiber] which logs what it gets
  def subscriber(topic, tag, **options)
    waiting { topic.subscribe(**options) { |message| log << [tag, message] } }.tap { wait_until { topic.subscribers.positive? } }
  end

  # Runs a program in another process, which says so when it has subscribed.
  def in_another_process(code)
    IO.popen({ 'RUBYLIB' => [EXTENSION_DIR, File.join(ROOT, 'lib')].join(':') }, [RbConfig.ruby, '-W0', '-e', <<~RUBY], 'r+') { |io| yield io }
      require 'polyphony/core'
      require 'polyphony/adapters/redis'
      $stdout.sync = true
      Polyphony.run do
        topic = Polyphony::Topic.new(#{name.inspect}, over: Polyphony::Redis.new(url: #{ENV.fetch('REDIS_URL').inspect}, timeout: 20))
        #{code}
      end
    RUBY
  end

  it 'carries messages between two processes, both ways, once to each subscriber, in order' do
    topic = described_class.new(name, over: redis)
    subscriptions = Array.new(3) { topic.subscribe(limit: nil) }
    in_another_process(<<~RUBY) do |other|
      messages = topic.subscribe(limit: nil)
      puts 'ready'
      gets
      200.times { |i| topic << { 'other' => i } }
      got = Array.new(401) { messages.receive }
      p got.grep(Hash).filter_map { |m| m['mine'] } == (0...200).to_a, got.grep(Hash).filter_map { |m| m['other'] } == (0...200).to_a
    RUBY
      expect(other.gets).to eq("ready\n")
      expect(topic.publish('hello')).to eq(2) # connections: that of the other process, and this one's
      other.puts
      200.times { |i| topic << { 'mine' => i } }
      lists = subscriptions.map { |subscription| Array.new(401) { subscription.receive(timeout: 20) } }
      lists.each do |list|
        expect([list.first, list.grep(Hash).filter_map { |m| m['mine'] }, list.grep(Hash).filter_map { |m| m['other'] }])
          .to eq(['hello', (0...200).to_a, (0...200).to_a])
      end
      expect([other.gets, other.gets]).to eq(%W[true\n true\n])
      expect(subscriptions.map(&:size)).to eq([0, 0, 0])
    end
  end

  it 'listens in each thread that has subscribers, and only as long as it has' do
    topic = described_class.new(name, over: redis)
    queue = Queue.new
    thread = Polyphony::Thread.new { topic.subscribe { |message| queue << message; break if message == 'end' } }
    mine = topic.subscribe
    wait_until { topic.subscribers == 2 && redis.call('PUBSUB', 'NUMSUB', name).last == 2 }
    topic << 'end'
    thread.join
    expect([queue.pop, queue.size, mine.receive]).to eq(['end', 0, 'end'])
    wait_until { redis.call('PUBSUB', 'NUMSUB', name).last == 1 }
    mine.close
    wait_until { redis.call('PUBSUB', 'NUMSUB', name).last.zero? }
    again = topic.subscribe
    topic << 'again'
    expect(again.receive).to eq('again')
    topic.close
    expect([again.closed?, error_of { topic << 1 }, error_of { topic.subscribe }]).to match([true, be_a(Polyphony::Closed), be_a(Polyphony::Closed)])
    wait_until { redis.call('PUBSUB', 'NUMSUB', name).last.zero? }
  end

  it 'is not waited for by supervise, and ends with the main fiber' do
    out, err, status = run_ruby(<<~RUBY)
      require 'polyphony'
      require 'polyphony/adapters/redis'
      topic = Polyphony::Topic.new(:t#{Process.pid}, over: Polyphony::Redis.new(url: #{ENV.fetch('REDIS_URL').inspect}))
      messages = topic.subscribe
      spin { topic << 'x' }
      supervise
      puts messages.receive
    RUBY
    expect([out, err, status.exitstatus]).to eq(["x\n", '', 0])
  end

  it 'keeps slow subscribers to their policy' do
    topic = described_class.new(name, over: redis)
    slow = topic.subscribe(limit: 2)
    oldest = topic.subscribe(limit: 2, overflow: :drop_oldest)
    quick = topic.subscribe(limit: nil)
    5.times { |i| topic << i }
    expect(Array.new(5) { quick.receive }).to eq((0..4).to_a)
    expect([oldest.dropped, oldest.receive, oldest.receive, slow.receive, slow.receive]).to eq([3, 3, 4, 0, 1])
    expect(error_of { slow.receive }).to be_a(Polyphony::Overflow)
  end

  it 'encodes by JSON or by what it is given, and passes over what cannot be read' do
    json = described_class.new(name, over: redis).subscribe
    topic = described_class.new(name, over: redis, codec: Marshal)
    marshal = topic.subscribe
    expect do
      topic << [:symbol, 1..2]
      redis.publish(name, '{"a":[1,null,"ü"]}')
      topic << :last
      wait_until { json.size == 1 && marshal.size == 2 }
    end.to output(/Topic.*: a message that cannot be read: (.*\n)+.*Topic.*cannot be read/).to_stderr
    expect([marshal.receive, json.receive]).to eq([[:symbol, 1..2], { 'a' => [1, nil, 'ü'] }])
    [topic, marshal].each(&:close)
    expect(error_of { described_class.new(name, over: redis) << Float::NAN }.class.name).to match(/GeneratorError/)
  end

  it 'tells when messages may have been missed' do
    own = own_server
    gaps = []
    topic = described_class.new('t', over: open_redis(url: own.url, timeout: 20), on_gap: ->(*gap) { gaps << gap })
    subscription = topic.subscribe
    expect { own.restart && wait_until { gaps.size == 1 } }.to output(/trying again/).to_stderr
    topic << 'after'
    expect([subscription.receive, gaps]).to match(['after', [[topic, be_a(RedisClient::ConnectionError)]]])
  end

  it 'fails at once, leaving nothing, when there is no engine to be reached, and ends subscriptions when there is no more' do
    none = described_class.new('t', over: open_redis(url: "redis://127.0.0.1:#{RedisServer.free_port}", reconnect_attempts: 0))
    expect(Array.new(2) { error_of { none.subscribe } }).to all(be_a(RedisClient::CannotConnectError))
    expect([none.subscribers, Polyphony.current.children]).to eq([0, []])
    fiber = waiting { error_of { none.subscribe } } # stopped in the midst of it
    fiber.stop
    expect(none.subscribers).to eq(0)
  end

  it 'goes on in a forked child with what that subscribes' do
    topic = described_class.new(name, over: redis)
    mine = topic.subscribe
    reader, writer = IO.pipe
    pid = fork { topic.subscribe { |message| break writer.puts(message) if message == 'child' } }
    wait_until { redis.call('PUBSUB', 'NUMSUB', name).last >= 2 }
    topic << 'child'
    Process.wait(pid)
    writer.close
    expect([reader.read, mine.receive, mine.try_receive(:none)]).to eq(["child\n", 'child', :none])
  end
end
