# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe Polyphony::ResourcePool, :fibers do
  subject(:pool) { described_class.new(limit: 2) { made << Object.new and made.last } }

  let(:made) { [] }

  it 'makes resources when they are needed, and no more than its limit' do
    expect(pool.size).to eq(0)
    users = Array.new(6) { spin { pool.acquire { |resource| snooze; resource } } }
    used = Polyphony::Fiber.await(*users)
    expect([made.size, pool.size, pool.available, pool.limit]).to eq([2, 2, 2, 2])
    expect(used.uniq).to match_array(made)
  end

  it 'gives a resource to one fiber at a time, first come, first served' do
    in_use = Hash.new(0).compare_by_identity
    users = Array.new(10) do |i|
      spin do
        pool.acquire do |resource|
          log << i
          raise 'shared' if (in_use[resource] += 1) > 1

          snooze
          in_use[resource] -= 1
        end
      end
    end
    Polyphony::Fiber.await(*users)
    expect(log).to eq((0...10).to_a)
  end

  it 'is re-entrant per fiber' do
    small = described_class.new(limit: 1) { Object.new }
    expect(small.acquire { |a| small.acquire { |b| a.equal?(b) } }).to be(true)
    expect(small.available).to eq(1)
  end

  it 'takes a resource back after an error and from a fiber that is stopped' do
    expect(error_of { pool.acquire { raise IOError } }).to be_a(IOError)
    holder = waiting { pool.acquire { suspend } }
    holder.stop
    expect(pool.available).to eq(1)
  end

  it 'lets those behind go on when one who waits is stopped' do
    holders = Array.new(2) { waiting { pool.acquire { receive } } }
    first = waiting { pool.acquire { log << :first } }
    second = waiting { pool.acquire { log << :second } }
    expect(pool.waiting).to eq(2)
    first.stop
    holders.first << :release
    second.await
    expect(log).to eq([:second])
  end

  it 'frees the slot when making a resource fails' do
    fail_once = true
    flaky = described_class.new(limit: 1) { fail_once ? (fail_once = false) || raise(IOError) : :fine }
    expect(error_of { flaky.acquire {} }).to be_a(IOError)
    expect(flaky.acquire { |resource| resource }).to eq(:fine)
  end

  it 'makes several at the same time when making one waits' do
    slow = described_class.new(limit: 2) { log << :making; receive }
    makers = Array.new(2) { spin { slow.acquire { |resource| resource } } }
    wait_until { log.size == 2 }
    makers.each_with_index { |fiber, i| fiber << i }
    expect(Polyphony::Fiber.await(*makers)).to eq([0, 1])
  end

  it 'discards what is broken and makes anew' do
    pool.acquire { |resource| expect(pool.discard!).to equal(resource) }
    expect([pool.size, pool.available]).to eq([0, 0])
    pool.acquire {}
    expect(made.size).to eq(2)
    expect(error_of { pool.discard! }).to be_a(Polyphony::Error)
  end

  it 'raises TimeoutError when none gets free in time' do
    2.times { waiting { pool.acquire { suspend } } }
    expect(error_of { pool.acquire(timeout: 0.001) {} }).to be_a(Polyphony::TimeoutError)
    expect(error_of { pool.acquire(timeout: -1) {} }).to be_a(ArgumentError)
    expect(error_of { pool.acquire(timeout: 'x') {} }).to be_a(TypeError)
    expect(pool.waiting).to eq(0)
  end

  it 'once closed refuses, drops what is idle, and fails those who wait' do
    pool.acquire {}
    holders = Array.new(2) { waiting { pool.acquire { receive } } }
    waiter = waiting { error_of { pool.acquire {} } }
    holders.first << 1
    pool.close { |resource| log << resource }
    expect(error_of { pool.acquire {} }).to be_a(Polyphony::Closed)
    expect(waiter.await).to be_nil.or be_a(Polyphony::Closed)
    holders.last << 1
    holders.each(&:await)
    expect(pool.size).to eq(0)
  end

  it 'refuses wrong arguments' do
    [0, -1, 1.5, nil, '5'].each { |wrong| expect(error_of { described_class.new(limit: wrong) {} }).to be_a(ArgumentError) }
    expect(error_of { described_class.new(limit: 1) }).to be_a(ArgumentError)
    expect(error_of { pool.acquire }).to be_a(ArgumentError)
    expect(pool.inspect).to include('0/2')
  end
end

RSpec.describe Polyphony::ThreadPool, :fibers do
  subject(:pool) { described_class.new(2) }

  after { pool.stop }

  it 'runs blocks on other threads and gives their values' do
    expect(pool.process { Thread.current }).not_to equal(Thread.current)
    expect(Polyphony::Fiber.await(*Array.new(10) { |i| spin { pool.process { i } } })).to eq((0...10).to_a)
  end

  it 'lets other fibers go on while a thread is blocked' do
    gate = Queue.new
    job = spin { pool.process { gate.pop } }
    wait_until { job.waiting_on }
    gate << :opened_by_another_fiber
    expect(job.await).to eq(:opened_by_another_fiber)
  end

  it 'runs as many jobs at once as it has threads: they may wait for each other' do
    gate = Queue.new
    jobs = [spin { pool.process { gate.pop } }, spin { pool.process { gate << 1 } }]
    expect(Polyphony::Fiber.await(*jobs).first).to eq(1)
  end

  it 'raises what the block raised, and keeps the worker' do
    20.times { expect(error_of { pool.process { raise IOError } }).to be_a(IOError) }
    [NoMemoryError.new, SystemExit.new(3), NotImplementedError.new].each do |error|
      expect(error_of { pool.process { raise error } }).to equal(error)
    end
    expect(pool.process { :fine }).to eq(:fine)
  end

  it 'says so when a job ends its thread, and makes another' do
    5.times { expect(error_of { pool.process { Thread.exit } }).to be_a(Polyphony::Error) }
    expect(pool.process { :fine }).to eq(:fine)
  end

  it 'may be used from one of its own jobs' do
    small = described_class.new(1)
    expect(small.process { small.process { :nested } }).to eq(:nested)
    small.stop
  end

  it 'goes on with a job whose fiber is stopped' do
    gate = Queue.new
    done = Queue.new
    fiber = waiting { pool.process { done << gate.pop } }
    fiber.stop
    gate << :still
    expect(done.pop).to eq(:still)
  end

  it 'casts without waiting, and reports errors on $stderr' do
    done = Queue.new
    expect(pool.cast { done << 1 }).to equal(pool)
    expect(done.pop).to eq(1)
    expect { pool.cast { raise 'cast failed' }; pool.stop }.to output(/cast failed/).to_stderr
  end

  it 'finishes what was given to it when it is stopped, and refuses more' do
    5.times { |i| pool.cast { log << i } }
    pool.stop
    expect(log.sort).to eq([0, 1, 2, 3, 4])
    expect(error_of { pool.process {} }).to be_a(Polyphony::Closed)
    expect(error_of { pool.cast {} }).to be_a(Polyphony::Closed)
  end

  it 'can be used from a blocking thread, and from several' do
    threads = Array.new(4) { |i| Thread.new { pool.process { i } } }
    expect(threads.map(&:value)).to eq([0, 1, 2, 3])
  end

  it 'refuses wrong arguments' do
    [0, -1, 1.5, nil, '5'].each { |wrong| expect(error_of { described_class.new(wrong) }).to be_a(ArgumentError) }
    expect(error_of { pool.process }).to be_a(ArgumentError)
    expect(error_of { pool.cast }).to be_a(ArgumentError)
    expect([pool.size, pool.busy?, pool.inspect]).to match([2, false, /size=2/])
  end
end
