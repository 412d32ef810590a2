# frozen_string_literal: true

require_relative '../support/stock'
require 'timeout'

RSpec.describe 'Threads beside a ticker fiber', :stock do
  # A thread that ends when the example says so.
  def thread
    release = Queue.new
    worker = Thread.new do
      Thread.current.report_on_exception = false
      answer = release.pop
      answer.is_a?(Exception) ? raise(answer) : answer
    end
    [worker, release]
  end

  it 'Thread#join returns the thread' do
    worker, release = thread
    expect(beside_ticker(-> { release << 1 }) { worker.join }).to be(worker)
  end

  it 'Thread#value returns its value' do
    worker, release = thread
    expect(beside_ticker(-> { release << 1 }) { worker.value }).to eq(1)
  end

  it 'Thread#value raises its error' do
    worker, release = thread
    expect { beside_ticker(-> { release << IOError.new('x') }) { worker.value } }.to raise_error(IOError, 'x')
  end

  it 'Thread#join(limit) in time returns the thread' do
    worker, release = thread
    expect(beside_ticker(-> { release << 1 }) { worker.join(60) }).to be(worker)
  end

  if Stock::JOIN_TIMES_OUT
    it 'Thread#join(limit) returns nil when its time is up' do
      worker, release = thread
      expect(beside_ticker { worker.join(0.02) }).to be_nil
      release << 1
      worker.join
    end
  else
    it 'Thread#join(limit) lets others run but waits for the end of the thread (Ruby < 3.3 waits again)' do
      worker, release = thread
      expect(beside_ticker(-> { sleep(0.05) and release << 1 }) { worker.join(0.001) }).to be(worker)
    end

    it '… the way out: Timeout.timeout' do
      worker, release = thread
      expect { beside_ticker { Timeout.timeout(0.02) { worker.join } } }.to raise_error(Timeout::Error)
      release << 1
      worker.join
    end
  end

  it 'Thread#value is not cut by a wake-up meant for another wait' do
    worker, release = thread
    fiber = nil
    event = lambda do
      Fiber.scheduler.unblock(Queue.new, fiber)
      give_way
      release << 1
    end
    value = beside_ticker(event) do
      fiber = Fiber.current
      worker.value
    end
    expect(value).to eq(1)
  end

  it 'Thread#value after a Timeout cut an earlier Thread#join of the same fiber' do
    first, release_first = thread
    second, release = thread
    event = -> { (release_first << 0) and give_way and release << 1 }
    value = beside_ticker(event, ticks: 10) do
      begin
        Timeout.timeout(0.000001) { first.join }
      rescue Timeout::Error
        nil
      end
      second.value
    end
    first.join
    expect(value).to eq(1)
  end

  it 'several fibers join one thread' do
    worker, release = thread
    values = []
    in_scheduler do
      3.times { Fiber.schedule { values << worker.value } }
      Fiber.schedule { give_way and release << 1 }
    end
    expect(values).to eq([1, 1, 1])
  end

  it 'Thread.new in a fiber starts a thread without a scheduler' do
    expect(beside_ticker { Thread.new { [Fiber.scheduler, Fiber.current.blocking?] }.value }).to eq([nil, true])
  end

  it 'a thread that ends closes its scheduler: fibers started with Fiber.schedule finish' do
    order = []
    in_scheduler do
      Fiber.schedule { give_way and order << :fiber }
      order << :root
    end
    expect(order).to eq(%i[root fiber])
  end

  it 'an error of the root fiber is the error of the thread' do
    expect { in_scheduler { raise IOError, 'root' } }.to raise_error(IOError, 'root')
  end

  it 'an error of the root fiber is the error of the thread, with fibers waiting' do
    expect { in_scheduler { Fiber.schedule { sleep 0.01 } and raise IOError, 'root' } }.to raise_error(IOError, 'root')
  end

  it 'an error that no fiber rescues is the error of the thread' do
    expect { in_scheduler { Fiber.schedule { sleep(0) and raise IOError, 'fiber' } } }.to raise_error(IOError, 'fiber')
  end

  it 'an error before the first wait of a fiber is raised by Fiber.schedule' do
    rescued = in_scheduler do
      Fiber.schedule { raise IOError, 'at once' }
    rescue IOError => e
      e.message
    end
    expect(rescued).to eq('at once')
  end

  it 'Thread#raise reaches a thread whose fibers all wait; their ensure blocks run' do
    ready = Queue.new
    ended = []
    worker = Thread.new do
      Thread.current.report_on_exception = false
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      2.times do |i|
        Fiber.schedule do
          ready << true
          sleep
        ensure
          ended << i
        end
      end
    end
    2.times { ready.pop }
    worker.raise(IOError, 'from outside')
    expect { Stock::Bench.join(worker) { 'the thread did not end' } }.to raise_error(IOError, 'from outside')
    expect(ended).to contain_exactly(0, 1)
  end

  it 'Thread#kill ends a thread whose fibers all wait; their ensure blocks run' do
    ready = Queue.new
    ended = []
    worker = Thread.new do
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      2.times do |i|
        Fiber.schedule do
          ready << true
          sleep
        ensure
          ended << i
        end
      end
    end
    2.times { ready.pop }
    worker.kill
    expect(worker.join(Stock::Bench::LIMIT)).to be(worker)
    expect(ended).to contain_exactly(0, 1)
  end
end
