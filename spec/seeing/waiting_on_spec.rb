# frozen_string_literal: true

require 'open3'
require 'socket'
require 'timeout'
require_relative '../support/fibers'

# What a fiber waits for, in words, for every kind of wait that there is.
RSpec.describe 'Fiber#waiting_on', :fibers do
  # Lets all other fibers run until they wait.
  def settle
    Polyphony::Scheduler.wait_all_blocked
  end

  def words(...)
    fiber = waiting(...)
    fiber.waiting_on
  ensure
    fiber&.stop(now: true)
  end

  def here(line)
    "#{__FILE__}:#{line}"
  end

  def address = '0x\h{16}'

  it 'is nil while a fiber runs, can run, or has ended' do
    fiber = spin { log << Polyphony.current.waiting_on }
    log << fiber.waiting_on
    fiber.await
    expect(log + [fiber.waiting_on]).to eq([nil, nil, nil])
  end

  describe 'time' do
    it('sleep') { expect(words { sleep 3600 }).to match(/\Asleep 3(600\.0|599\.\d) s\z/) }
    it('sleep without a limit') { expect(words { sleep }).to eq('sleep') }
    it('suspend') { expect(words { suspend }).to eq('sleep') }
    it('after') { expect([after(100) {}].map { |fiber| settle; fiber.waiting_on.tap { fiber.stop } }).to match([/\Asleep/]) }
    it('every') { expect(words { every(100) {} }).to match(/\Asleep (100\.0|99\.\d) s\z/) }
    it('a throttler') { expect(words { throttler = Polyphony::Throttler.new(interval: 100); 2.times { throttler.process {} } }).to match(/\A\S*sleep|Throttler/) }
  end

  describe 'descriptors' do
    around do |example|
      IO.pipe { |reader, writer| (@reader = reader) && (@writer = writer) && example.run }
    end

    it('a read') { expect(words { @reader.read(1) }).to eq("io_read fd #{@reader.fileno} IO") }
    it('a line') { expect(words { @reader.gets }).to eq("io_read fd #{@reader.fileno} IO") }

    it 'a write' do
      expect(words { @writer.write('x' * 1_000_000) }).to eq("io_write fd #{@writer.fileno} IO")
    end

    it 'a wait with a limit' do
      expect(words { @reader.wait_readable(100) }).to match(/\Aio_read fd #{@reader.fileno} IO, (100\.0|99\.\d) s left\z/)
    end

    it 'a read of the backend' do
      expect(words { Polyphony.backend.read(@reader) }).to eq("io_read fd #{@reader.fileno} IO")
      expect(words { Polyphony.backend.read_loop(@reader) {} }).to eq("io_read fd #{@reader.fileno} IO")
    end

    it 'an accept and a receive, by class' do
      TCPServer.open('127.0.0.1', 0) do |server|
        expect(words { server.accept }).to eq("io_read fd #{server.fileno} TCPServer")
        client = TCPSocket.new('127.0.0.1', server.addr[1])
        expect(words { client.recv(1) }).to eq("io_read fd #{client.fileno} TCPSocket")
        client.close
      end
    end

    it 'a select' do
      skip 'IO.select blocks the thread on this Ruby' unless Polyphony::Scheduler.method_defined?(:io_select)
      expect(words { IO.select([@reader]) }).to eq('select')
      expect(words { IO.select([@reader], nil, nil, 100) }).to match(/\Aselect, (100\.0|99\.\d) s left\z/)
    end
  end

  describe 'other fibers' do
    let!(:other) { spin(:other) { suspend } }
    let(:label) { "#<Polyphony::Fiber :other #{here(other.location[/\d+\z/])}>" }

    it('an await') { expect(words { other.await }).to eq("await #{label}") }
    it('an await of several') { expect(words { Polyphony::Fiber.await(spin {}, other) }).to match(/\Aawait [12] of 2: #<Polyphony::Fiber /) }
    it('a select of several') { expect(words { Polyphony::Fiber.select(other, spin { suspend }) }).to match(/\Aselect 2 of 2: #{Regexp.escape(label)}\z/) }
    it('the end of its children') { expect(words { waiting(:child) { begin; suspend; ensure; receive; end } }).to eq('the end of its children') }
    it('supervise') { expect(words { spin { suspend }; supervise }).to eq('supervise') }
    it('a scope') { expect(words { Polyphony.scope(:tag) { |scope| scope.spin { suspend } } }).to eq('the end of scope :tag') }

    it 'a stop' do
      stubborn = waiting(:stubborn) { begin; suspend; ensure; receive; end }
      stopper = waiting { stubborn.stop }
      expect(stopper.waiting_on).to eq("stop of #<Polyphony::Fiber :stubborn #{stubborn.location}>")
      stubborn << 1
      stopper.await
    end

    it 'awaits in a circle, without end' do
      a = b = nil
      a = spin(:a) { b.await }
      b = spin(:b) { a.await }
      settle
      expect([a, b].map(&:waiting_on)).to match([/await #<Polyphony::Fiber :b \S+>\z/, /await #<Polyphony::Fiber :a \S+>\z/])
      a.stop
    end
  end

  describe 'messages' do
    it('a receive') { expect(words { receive }).to eq('receive') }
    it('a receive with a limit') { expect(words { receive(timeout: 100) }).to match(/\Areceive, (100\.0|99\.\d) s left\z/) }
    it('a receive with a filter') { expect(words { receive { false } }).to eq('receive') }

    it 'a send to a full mailbox' do
      full = waiting(:full) { suspend }
      full.mailbox_limit = 1
      full << 1
      expect(words { full << 2 }).to eq("send to #<Polyphony::Fiber :full #{full.location}>")
    end
  end

  describe 'pools and threads' do
    it 'a resource' do
      pool = Polyphony::ResourcePool.new(limit: 1) { :resource }
      pool.acquire do
        expect(words { pool.acquire {} }).to match(/\Aacquire #<Polyphony::ResourcePool .*1/)
        expect(words { pool.acquire(timeout: 100) {} }).to match(/\Aacquire .*, (100\.0|99\.\d) s left\z/)
      end
    end

    it 'a job of a thread pool, by where its block is' do
      pool = Polyphony::ThreadPool.new(1)
      queue = Queue.new
      fiber = waiting { pool.process { queue.pop } }
      expect(fiber.waiting_on).to match(/thread pool job #{Regexp.escape(here(__LINE__ - 1))}/)
      queue << 1
      fiber.await
      pool.stop
    end

    it 'a thread' do
      queue = Queue.new
      thread = Thread.new { queue.pop }
      expect(words { thread.join }).to match(/\Ajoin #<Thread:0x\h+ #{Regexp.escape(here(__LINE__ - 1))} \S+>\z/)
      expect(words { thread.join(100) }).to match(/, (100\.0|99\.\d) s left\z/)
      queue << 1
      thread.join
    end
  end

  describe "Ruby's own" do
    let!(:mutex) { Mutex.new.tap(&:lock) }

    # Ruby does not survive the collection of a Mutex that a dead fiber holds.
    after do
      mutex.unlock if mutex.owned?
      @monitor.exit if @monitor&.mon_owned?
    end

    it('a Mutex') { expect(words { mutex.lock }).to match(/\AThread::Mutex #{address}\z/) }
    it('a Monitor') { (@monitor = Monitor.new).enter; expect(words { @monitor.enter }).to match(/\A(Monitor|Thread::Mutex) #{address}\z/) }
    it('a Queue') { expect(words { Queue.new.pop }).to match(/\AThread::Queue #{address}\z/) }
    it('a SizedQueue') { expect(words { SizedQueue.new(1).then { |queue| queue << 1 << 2 } }).to match(/\AThread::SizedQueue #{address}\z/) }

    it 'a ConditionVariable' do
      condition = ConditionVariable.new
      fiber = waiting { mutex.synchronize { condition.wait(mutex) } }
      mutex.unlock
      wait_until { fiber.waiting_on&.match?(/\A(sleep|Thread::(Mutex|ConditionVariable) #{address})\z/) && !mutex.locked? }
      condition.signal # a stop here loses the lock before Ruby 3.4
      fiber.await
    end

    it 'a process' do
      child = spawn('cat', in: (read = IO.pipe).first)
      expect(words { Process.wait(child) }).to eq("process #{child}")
      read.each(&:close)
      Process.wait(child)
    end

    it 'what Timeout limits, with the limit in the tree' do
      expect(words { Timeout.timeout(100) { sleep } }).to eq('sleep')
    end
  end

  it 'is what a nested fiber waits for' do
    expect(words { Fiber.new { receive }.resume }).to eq('receive')
  end

  it 'can be asked from another thread' do
    fiber = waiting { receive }
    expect(Thread.new { fiber.waiting_on }.value).to eq('receive')
  end
end
