# frozen_string_literal: true

require_relative '../../support/redis'

RSpec.describe Polyphony::Redis, :fibers, :redis do
  let!(:redis) { open_redis(timeout: 20) }
  let(:channel) { key(:channel) }

  # @return [Polyphony::Fiber] which logs what it gets, and listens already
  def listener(*channels, with: redis, by: :subscribe, **options)
    ready = Polyphony::Event.new
    fiber = spin { with.public_send(by, *channels, ready: -> { ready.set }, **options) { |*message| log << message } }
    ready.wait
    fiber
  end

  it 'yields what is published, in order, with the channel it came from' do
    fibers = [listener(channel), listener(channel, "#{channel}2"), listener("#{channel}*", by: :psubscribe), listener(channel, by: :ssubscribe)]
    expect([redis.publish(channel, 'one'), redis.publish("#{channel}2", "\xff".b), redis.publish(channel.to_sym, 'three')]).to eq([2, 2, 2]) # connections: subscriptions share one, patterns count apart
    redis.call('SPUBLISH', channel, 'shard')
    wait_until { log.size == 9 }
    expect(log).to contain_exactly(['one', channel], ['three', channel], ['one', channel], ["\xff".b, "#{channel}2"], ['three', channel],
                                   ['one', channel, "#{channel}*"], ["\xff".b, "#{channel}2", "#{channel}*"], ['three', channel, "#{channel}*"], ['shard', channel])
    fibers.each(&:stop)
    wait_until { redis.call('PUBSUB', 'NUMSUB', channel).last.zero? }
  end

  it 'ends by break, by an error of the block, and by what the server says' do
    fiber = spin { redis.subscribe(channel, ready: -> { log << :ready }) { |payload| break payload * 2 } }
    wait_until { log == [:ready] }
    redis.publish(channel, 'x')
    expect(fiber.await).to eq('xx')
    fiber = spin { error_of { redis.subscribe(channel, ready: -> { log << :again }) { raise RedisClient::ConnectionError, 'mine' } } }
    wait_until { log.size == 2 }
    redis.publish(channel, 'x')
    expect(fiber.await.message).to eq('mine')
    own = own_server
    open_redis(url: own.url).call('ACL', 'SETUSER', 'default', 'resetchannels')
    expect { open_redis(url: own.url).subscribe('x') { nil } }.to raise_error(RedisClient::PermissionError)
    [-> { redis.subscribe { nil } }, -> { redis.subscribe('x') }].each { |call| expect(&call).to raise_error(ArgumentError) }
    expect(redis.stats[:pool][:in_use]).to eq(0)
  end

  it 'subscribes again when the server was away, and tells that something may be missing' do
    own = own_server
    away = open_redis(url: own.url, timeout: 20)
    lost = []
    fiber = listener('c', 'd', with: away, gap: ->(error) { lost << error })
    away.publish('c', '1')
    wait_until { log.size == 1 }
    expect do
      own.restart
      wait_until { lost.size == 1 }
    end.to output(/\A(Polyphony::Redis: subscriptions to redis:.*: .*; trying again in \d\.\d s\n)+\z/).to_stderr
    away.publish('d', '2')
    wait_until { log.size == 2 }
    expect([log, lost]).to match([[%w[1 c], %w[2 d]], [be_a(RedisClient::ConnectionError)]])
    fiber.stop
  end

  it 'asks a server that is silent whether it is there, and gives up on one that does not answer' do
    stub_const('Polyphony::Redis::Hub::PING', 0.05)
    through = proxy
    silent = open_redis(url: "redis://127.0.0.1:#{through.port}", timeout: 0.2, reconnect_attempts: 0)
    lost = []
    fiber = listener(channel, with: silent, gap: ->(error) { lost << error })
    before = onlooker.call('INFO', 'commandstats')[/cmdstat_ping:calls=(\d+)/, 1].to_i
    wait_until { onlooker.call('INFO', 'commandstats')[/cmdstat_ping:calls=(\d+)/, 1].to_i > before + 2 }
    expect(lost).to be_empty
    expect do
      through.stall
      wait_until { fiber.waiting_on.to_s.start_with?('sleep') }
      through.flow
      wait_until { lost.size == 1 }
    end.to output(/did not answer a PING/).to_stderr
    redis.publish(channel, 'x')
    wait_until { log == [['x', channel]] }
    fiber.stop
  end

  it 'shares a connection among the subscriptions of a thread, and closes it with the last' do
    before = onlooker.call('CLIENT', 'LIST').lines.size
    fibers = Array.new(20) { |i| listener("#{channel}#{i}", channel) }
    expect(onlooker.call('CLIENT', 'LIST').lines.size - before).to eq(1)
    redis.publish(channel, 'all')
    20.times { |i| redis.publish("#{channel}#{i}", i.to_s) }
    wait_until { log.size == 40 }
    expect(log.tally).to eq({ ['all', channel] => 20 }.merge((0...20).to_h { |i| [[i.to_s, "#{channel}#{i}"], 1] }))
    fibers.each_with_index do |fiber, i| # whichever of them reads
      fiber.stop
      wait_until { redis.call('PUBSUB', 'NUMSUB', "#{channel}#{i}").last.zero? }
      redis.publish(channel, 'left')
      wait_until { log.count(['left', channel]) == (19 - i) * (i + 1) + (i * (i + 1) / 2) }
    end
    wait_until { redis.call('PUBSUB', 'NUMSUB', channel).last.zero? }
  end

  it 'reads on while the block of one is busy, and tells a subscriber that is too slow' do
    held = Polyphony::Event.new
    ready = Polyphony::Event.new
    slow = spin { error_of { redis.subscribe(channel, limit: 2, ready: -> { ready.set }) { held.wait } } }
    ready.wait
    quick = listener(channel)
    5.times { |i| redis.publish(channel, i.to_s) }
    wait_until { log.size == 5 }
    held.set
    expect(slow.await).to be_a(Polyphony::Overflow).and(have_attributes(message: /more than 2 messages waited.*limit:/))
    expect(quick).to be_alive
    quick.stop
    expect { redis.subscribe('x', limit: 0) { nil } }.to raise_error(ArgumentError, /limit/)
  end

  it 'hands its messages to the right ones when the fiber that reads is stopped at any moment' do
    listeners = Array.new(5) { |i| listener("#{channel}#{i}") }
    30.times do |round|
      victim = round % 5
      redis.publish("#{channel}#{(victim + 1) % 5}", 'x')
      (round % 3).times { snooze }
      listeners[victim].stop
      listeners[victim] = listener("#{channel}#{victim}")
    end
    wait_until { log.size == 30 }
    redis.publish("#{channel}2", 'end')
    wait_until { log.include?(['end', "#{channel}2"]) }
    wait_until { redis.call('PUBSUB', 'NUMSUB', "#{channel}0").last == 1 }
    listeners.each(&:stop)
  end
end
