# frozen_string_literal: true

require_relative '../support/stock'
require 'monitor'
require 'timeout'

RSpec.describe 'Queues and locks beside a ticker fiber', :stock do
  describe Thread::Queue do
    it 'pop waits for a push of another fiber' do
      queue = Queue.new
      expect(beside_ticker(-> { queue << 1 }) { queue.pop }).to eq(1)
    end

    it 'pop waits for a push of another thread' do
      queue = Queue.new
      expect(beside_ticker(-> { Thread.new { queue << 1 }.join }) { queue.pop }).to eq(1)
    end

    it 'a fiber pushes, a plain thread pops' do
      queue = Queue.new
      popper = Thread.new { Array.new(3) { queue.pop } }
      in_scheduler { Fiber.schedule { 3.times { |i| (queue << i) and sleep(0) } } }
      expect(popper.value).to eq([0, 1, 2])
    end

    it 'close gives nil to a waiting pop' do
      queue = Queue.new
      expect(beside_ticker(-> { queue.close }) { queue.pop }).to be_nil
    end

    it 'pop(true) never waits' do
      expect { in_scheduler { Fiber.schedule { Queue.new.pop(true) } and sleep(0) } }.to raise_error(ThreadError)
    end

    it 'serves waiting fibers in their order, each push one of them' do
      queue = Queue.new
      got = []
      in_scheduler do
        3.times { |i| Fiber.schedule { got << [i, queue.pop] } }
        Fiber.schedule { %i[a b c].each { |value| queue << value } }
      end
      expect(got).to eq([[0, :a], [1, :b], [2, :c]])
    end

    it 'a thousand values between two threads that both run fibers' do
      there = Queue.new
      back = Queue.new
      other = Thread.new do
        Fiber.set_scheduler(Polyphony::Scheduler.new)
        Fiber.schedule { 1000.times { back << (there.pop * 2) } }
      end
      got = beside_ticker { Array.new(1000) { |i| (there << i) and back.pop } }
      other.join
      expect(got).to eq((0...1000).map { |i| i * 2 })
    end

    if Stock::QUEUE_TIMEOUT
      it 'pop(timeout:) returns nil when its time is up' do
        queue = Queue.new
        expect(beside_ticker { queue.pop(timeout: 0.02) }).to be_nil
        expect(beside_ticker(-> { queue << 1 }) { queue.pop(timeout: 60) }).to eq(1)
      end
    else
      it 'has no pop(timeout:) on this Ruby: Timeout.timeout is the way' do
        queue = Queue.new
        expect { beside_ticker { Timeout.timeout(0.02) { queue.pop } } }.to raise_error(Timeout::Error)
        expect(queue.num_waiting).to eq(0)
      end
    end
  end

  describe Thread::SizedQueue do
    it 'push waits for room' do
      queue = SizedQueue.new(1)
      queue << 1
      expect(beside_ticker(-> { queue.pop }) { queue.push(2) }).to be(queue)
      expect(queue.pop).to eq(2)
    end

    it 'pop waits for a push' do
      queue = SizedQueue.new(1)
      expect(beside_ticker(-> { queue << 1 }) { queue.pop }).to eq(1)
    end

    it 'close raises ClosedQueueError in a waiting push' do
      queue = SizedQueue.new(1)
      queue << 1
      expect { beside_ticker(-> { queue.close }) { queue.push(2) } }.to raise_error(ClosedQueueError)
    end

    it 'hands a hundred values from one fiber to another' do
      queue = SizedQueue.new(3)
      got = []
      in_scheduler do
        Fiber.schedule { 100.times { |i| queue << i } and queue.close }
        Fiber.schedule { while (value = queue.pop) do got << value end }
      end
      expect(got).to eq((0...100).to_a)
    end
  end

  describe Thread::Mutex do
    it 'lock waits for the fiber that has it' do
      mutex = Mutex.new
      order = []
      in_scheduler do
        Fiber.schedule { mutex.synchronize { give_way and order << :first } }
        Fiber.schedule { mutex.synchronize { order << :second } }
        Fiber.schedule { order << :other }
      end
      expect(order).to eq(%i[other first second])
    end

    it 'lock waits for a thread that has it' do
      mutex = Mutex.new
      release = Queue.new
      locked = Queue.new
      owner = Thread.new { mutex.synchronize { (locked << true) and release.pop } }
      locked.pop
      expect(beside_ticker(-> { release << true }) { mutex.synchronize { :mine } }).to eq(:mine)
      owner.join
    end

    it 'is owned by a fiber: not reentrant, and another fiber may not unlock it' do
      mutex = Mutex.new
      in_scheduler do
        Fiber.schedule do
          mutex.lock
          expect { mutex.lock }.to raise_error(ThreadError)
          sleep 0
          mutex.unlock
        end
        Fiber.schedule { expect { mutex.unlock }.to raise_error(ThreadError) }
      end
    end

    it 'sleep(seconds) gives it up meanwhile' do
      mutex = Mutex.new
      order = []
      in_scheduler do
        Fiber.schedule { mutex.synchronize { (order << :sleeps) and mutex.sleep(0.01) and order << :back } }
        Fiber.schedule { mutex.synchronize { order << :other } }
      end
      expect(order).to eq(%i[sleeps other back])
    end

    it 'cut by Timeout while it waits leaves the lock with its owner' do
      mutex = Mutex.new
      outcome = nil
      in_scheduler do
        Fiber.schedule { mutex.synchronize { sleep 0.05 } }
        Fiber.schedule do
          Timeout.timeout(0.01) { mutex.lock }
        rescue Timeout::Error
          outcome = [mutex.locked?, mutex.owned?]
        end
      end
      expect(outcome).to eq([true, false])
      expect(mutex).not_to be_locked
    end

    it 'a hundred fibers in three threads take turns' do
      mutex = Mutex.new
      count = 0
      threads = Array.new(3) do
        Thread.new do
          Fiber.set_scheduler(Polyphony::Scheduler.new)
          33.times { Fiber.schedule { mutex.synchronize { n = count and sleep(0) and count = n + 1 } } }
        end
      end
      threads.each(&:join)
      expect(count).to eq(99)
    end
  end

  describe Monitor do
    it 'synchronize waits for the fiber that has it, and is reentrant' do
      monitor = Monitor.new
      order = []
      in_scheduler do
        Fiber.schedule { monitor.synchronize { monitor.synchronize { give_way and order << :first } } }
        Fiber.schedule { monitor.synchronize { order << :second } }
        Fiber.schedule { order << :other }
      end
      expect(order).to eq(%i[other first second])
    end

    it 'new_cond: wait, signal and broadcast' do
      monitor = Monitor.new
      condition = monitor.new_cond
      event = -> { monitor.synchronize { condition.signal } }
      expect(beside_ticker(event) { monitor.synchronize { condition.wait and :signalled } }).to eq(:signalled)
    end

    it 'new_cond: wait(timeout)' do
      monitor = Monitor.new
      condition = monitor.new_cond
      beside_ticker { monitor.synchronize { condition.wait(0.02) } }
      expect(monitor.mon_try_enter).to be(true)
    end
  end

  describe Thread::ConditionVariable do
    let(:mutex) { Mutex.new }
    let(:condition) { ConditionVariable.new }

    it 'wait is woken by a signal of another fiber' do
      event = -> { mutex.synchronize { condition.signal } }
      expect(beside_ticker(event) { mutex.synchronize { condition.wait(mutex) and :signalled } }).to eq(:signalled)
    end

    it 'wait is woken by a signal of another thread' do
      event = -> { Thread.new { mutex.synchronize { condition.signal } }.join }
      expect(beside_ticker(event) { mutex.synchronize { condition.wait(mutex) and :signalled } }).to eq(:signalled)
    end

    it 'wait(timeout) ends when its time is up, with the mutex locked' do
      expect(beside_ticker { mutex.synchronize { condition.wait(mutex, 0.02) and mutex.owned? } }).not_to be(false)
      expect(mutex).not_to be_locked
    end

    it 'broadcast wakes every waiting fiber' do
      woken = []
      in_scheduler do
        3.times { |i| Fiber.schedule { mutex.synchronize { condition.wait(mutex) and woken << i } } }
        Fiber.schedule { mutex.synchronize { condition.broadcast } }
      end
      expect(woken).to contain_exactly(0, 1, 2)
    end

    it 'a thousand rounds between a fiber and a thread lose no signal' do
      turn = :fiber
      play = lambda do |mine, theirs|
        500.times do
          mutex.synchronize do
            condition.wait(mutex) until turn == mine
            turn = theirs
            condition.broadcast
          end
        end
      end
      thread = Thread.new { play.call(:thread, :fiber) }
      in_scheduler { Fiber.schedule { play.call(:fiber, :thread) } }
      expect(thread.join(Stock::Bench::LIMIT)).to be(thread)
    end

    cut = lambda do |mutex, condition|
      mutex.synchronize { Timeout.timeout(0.02) { condition.wait(mutex) } }
    rescue StandardError => e
      e
    end

    if Stock::MUTEX_RELOCKS
      it 'cut by Timeout has its mutex again' do
        expect(beside_ticker { cut.call(mutex, condition) }).to be_a(Timeout::Error)
        expect(mutex).not_to be_locked
      end
    else
      it 'cut by Timeout has lost its mutex: synchronize raises ThreadError, caused by Timeout::Error (Ruby < 3.3)' do
        error = beside_ticker { cut.call(mutex, condition) }
        expect([error.class, error.cause.class]).to eq([ThreadError, Timeout::Error])
      end

      it '… the way out: the timeout of wait itself' do
        beside_ticker { mutex.synchronize { condition.wait(mutex, 0.02) } }
        expect(mutex).not_to be_locked
      end
    end
  end
end
