# frozen_string_literal: true

require_relative '../support/fibers'
require 'tempfile'

# A stop, and any interruption, at each kind of wait: the fiber ends, and what it waited for is as if the
# fiber had never come.
RSpec.describe 'stopping a fiber', :fibers do
  # Stops a fiber that waits in the block, and gives it.
  def stopped(&block)
    fiber = waiting(&block)
    expect(fiber.state).to eq(:waiting)
    fiber.stop(:stopped)
    expect([fiber.state, fiber.result, fiber.await]).to eq(%i[dead stopped stopped])
    fiber
  end

  it 'that has not started: neither its block nor an ensure in it runs, and it never had a child' do
    fiber = spin do
      spin { log << :child }
      suspend
    ensure
      log << :ensure
    end
    fiber.stop
    expect([fiber.state, log]).to eq([:dead, []])
  end

  it 'that awaits: the other goes on, and others await it still' do
    target = waiting { receive }
    other = waiting { target.await }
    stopped { target.await }
    target << :result
    expect(other.await).to eq(:result)
  end

  it 'that awaits, selects or supervises several: they go on, but for its children' do
    targets = Array.new(2) { waiting { receive } }
    stopped { Polyphony::Fiber.await(*targets) }
    stopped { Polyphony::Fiber.select(*targets) }
    stopped { supervise(*targets) } rescue nil
    child = nil
    stopped { child = spin { suspend }; supervise }
    expect(child).not_to be_alive
    targets.select(&:alive?).each { |target| target << 1 }
  end

  it 'that receives: the message is for the next run' do
    fiber = spin do
      log << receive
    ensure
      log << receive(timeout: 0) rescue log << :none
    end
    wait_until { fiber.waiting_on == 'receive' }
    fiber.stop
    expect(log).to eq([:none])
  end

  it 'that waits in the stop of another: that one is stopped all the same' do
    slow = waiting do
      suspend
    ensure
      receive
    end
    stopped { slow.stop }
    expect(slow).to be_alive
    slow << 1
    slow.await
    expect(slow).not_to be_alive
  end

  it 'that waits for its children to end: they are still waited for' do
    parent = spin do
      waiting do
        suspend
      ensure
        receive
        log << :child
      end
      :done
    end
    child = nil
    wait_until { parent.state == :waiting && (child = parent.children.first)&.waiting_on == 'receive' }
    stopper = waiting { parent.stop }
    expect(parent).to be_alive
    child << :go
    stopper.await
    expect([log, parent.await]).to eq([[:child], :done])
  end

  it 'that waits for a resource of a pool: nobody else waits in vain' do
    pool = Polyphony::ResourcePool.new(limit: 1) { Object.new }
    holder = waiting { pool.acquire { receive } }
    first = waiting { pool.acquire { log << :first } }
    second = waiting { pool.acquire { log << :second } }
    first.stop
    holder << :done
    second.await
    expect([log, pool.available, pool.waiting]).to eq([[:second], 1, 0])
  end

  it 'that was given a resource just now: it goes to the next' do
    pool = Polyphony::ResourcePool.new(limit: 1) { Object.new }
    holder = waiting { pool.acquire { receive } }
    fibers = Array.new(2) { |i| waiting { pool.acquire { log << i; snooze } } }
    holder << :done
    wait_until { !holder.alive? }
    fibers[0].stop
    fibers[1].await
    expect([log.last, pool.available, pool.waiting]).to eq([1, 1, 0])
  end

  it 'that makes or holds a resource: the slot is free again' do
    pool = Polyphony::ResourcePool.new(limit: 1) { log.empty? ? suspend : :resource }
    stopped { pool.acquire {} }
    log << 1
    stopped { pool.acquire { suspend } }
    expect(pool.acquire { |one| one }).to eq(:resource)
  end

  it 'that waits for a job on a worker thread: the job ends, and the worker takes others' do
    pool = Polyphony::ThreadPool.new(1)
    gate = Thread::Queue.new
    stopped { pool.process { gate.pop } }
    gate << 1
    expect(pool.process { :next }).to eq(:next)
  ensure
    pool.stop
  end

  it 'that waits for a Mutex, a Queue, a ConditionVariable or a Thread: others get what it waited for' do
    lock = Mutex.new
    holder = waiting { lock.synchronize { receive } }
    stopped { lock.synchronize {} }
    other = waiting { lock.synchronize { log << :locked } }
    holder << 1
    other.await
    queue = Thread::Queue.new
    stopped { queue.pop }
    stopped { Thread::SizedQueue.new(1).tap { |full| full << 1 } << 2 }
    popper = waiting { queue.pop }
    queue << :item
    expect(popper.await).to eq(:item)
    if RUBY_VERSION >= '3.2' # before, Ruby itself does not lock again when a wait is interrupted
      condition = ConditionVariable.new
      stopped { lock.synchronize { condition.wait(lock) } }
      expect(lock).not_to be_locked
    end
    gate = Thread::Queue.new
    thread = Thread.new { gate.pop }
    stopped { thread.join }
    gate << 1
    thread.join
    expect(log).to eq([:locked])
  end

  it 'that waits for IO: not a byte is lost' do
    reader, writer = IO.pipe
    stopped { reader.readpartial(10) }
    stopped { reader.wait_readable }
    writer << 'whole'
    expect(reader.readpartial(10)).to eq('whole')
    server = TCPServer.new('127.0.0.1', 0)
    stopped { server.accept }
    client = spin { TCPSocket.new('127.0.0.1', server.addr[1]).close }
    server.accept.close
    client.await
  ensure
    [reader, writer, server].each(&:close)
  end

  it 'that waits for a process: it is there for others to wait for' do
    reader, writer = IO.pipe
    pid = spawn('cat', in: reader)
    stopped { Process.wait(pid) }
    writer.close
    expect(Process.wait(pid)).to eq(pid)
  ensure
    reader.close
  end

  it 'that sleeps, or waits in a nested Fiber, an Enumerator or several of them' do
    stopped { sleep }
    stopped { sleep 3600 }
    stopped { Fiber.new { suspend }.resume }
    stopped { Enumerator.new { |y| y << receive }.next }
    stopped { Enumerator.new { |y| y << Fiber.new { Enumerator.new { |z| z << receive }.next }.resume }.next }
  end

  it 'that waits in a nested Fiber runs the ensure blocks of both' do
    stopped do
      Fiber.new do
        suspend
      ensure
        snooze
        log << :inner
      end.resume
    ensure
      log << :outer
    end
    expect(log).to eq(%i[inner outer])
  end

  it 'in a scope, a time limit or a shield inside of them' do
    stopped { Polyphony.scope { |s| s.spin { suspend } } }
    stopped { move_on_after(3600) { cancel_after(3600) { suspend } } }
    fiber = waiting { Polyphony.shield { receive; log << :shielded }; log << :not_reached; suspend }
    stopper = waiting { fiber.stop }
    fiber << 1
    stopper.await
    expect(log).to eq(%i[shielded not_reached])
  end

  it 'that sends to a full mailbox: the others send in order' do
    target = waiting { suspend }
    target.mailbox_limit = 1
    target << 0
    senders = Array.new(3) { |i| waiting { target << i } }
    senders[1].stop
    expect(senders.map(&:alive?)).to eq([true, false, true])
    senders.each(&:stop)
  end

  it 'in another thread: from any thread, wherever it waits' do
    fibers = Queue.new
    thread = Polyphony::Thread.new do
      pool = Polyphony::ResourcePool.new(limit: 1) { 1 }
      held = spin { pool.acquire { suspend } }
      Polyphony.snooze
      [-> { suspend }, -> { receive }, -> { held.await }, -> { pool.acquire {} }, -> { sleep }, -> { Queue.new.pop }].each do |wait|
        fibers << waiting(&wait)
      end
      fibers << nil
      receive
    end
    all = []
    while (fiber = fibers.pop)
      all << fiber
    end
    all.each { |one| one.stop(:across) }
    expect(all.map(&:await)).to all(eq(:across))
    thread.kill
  end

  describe 'twice' do
    # A fiber that is in its ensure block, waiting for a message.
    def unwinding
      fiber = waiting do
        suspend
      ensure
        log << receive
      end
      stopper = waiting { fiber.stop(:first) }
      wait_until { fiber.waiting_on == 'receive' }
      [fiber, stopper]
    end

    it 'gives the value of the first, and each stop returns at the end' do
      fiber, stopper = unwinding
      second = waiting { fiber.stop(:second) }
      fiber << :ensured
      [stopper, second].each(&:await)
      expect([fiber.await, log]).to eq([:first, [:ensured]])
    end

    it 'with now: cuts each ensure block once, again at each such stop' do
      fiber = waiting do
        suspend
      ensure
        begin
          suspend
        ensure
          begin
            suspend
          ensure
            log << :innermost
          end
        end
      end
      stopper = waiting { fiber.stop }
      2.times { wait_until { fiber.state == :waiting }; waiting { fiber.stop(now: true) } }
      stopper.await
      expect(log).to eq([:innermost])
    end

    it 'with now: at first is a stop as any' do
      fiber = waiting do
        suspend
      ensure
        log << :ensure
        snooze
        log << :through
      end
      fiber.stop(now: true)
      expect(log.first).to eq(:ensure)
      expect(fiber).not_to be_alive
    end
  end
end
