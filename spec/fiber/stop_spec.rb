# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony::Fiber#stop', :fibers do
  # A fiber that waits for a message in its ensure block.
  def stubborn
    waiting do
      suspend
    ensure
      log << :unwinding
      log << receive
    end
  end

  it 'ends the fiber at its wait and returns when it has ended' do
    fiber = waiting do
      suspend
    ensure
      log << :ensured
    end
    expect(fiber.stop).to equal(fiber)
    expect(fiber).not_to be_alive
    expect(log).to eq([:ensured])
  end

  it 'makes await give its value; nil without one' do
    expect(waiting { suspend }.stop(:given).await).to eq(:given)
    expect(waiting { suspend }.stop.await).to be_nil
  end

  it 'waits for ensure blocks that wait, and for the children' do
    fiber = waiting do
      spin do
        suspend
      ensure
        3.times { snooze }
        log << :child
      end
      suspend
    ensure
      snooze
      log << :parent
    end
    settle
    fiber.stop
    expect(log).to eq(%i[parent child])
  end

  it 'never runs the block of a fiber that has not started' do
    fiber = spin { log << :ran }
    fiber.stop(:early)
    expect(fiber.await).to eq(:early)
    expect(log).to be_empty
  end

  it 'does nothing to a finished fiber, and keeps its result' do
    fiber = spin { :done }
    fiber.await
    expect(fiber.stop(:other)).to equal(fiber)
    expect(fiber.await).to eq(:done)
  end

  it 'unwinds at once when a fiber stops itself' do
    fiber = spin do
      Polyphony.current.stop(:mine)
      log << :not_reached
    ensure
      log << :ensured
    end
    expect(fiber.await).to eq(:mine)
    expect(log).to eq([:ensured])
  end

  it 'is not swallowed by rescue => e' do
    fiber = waiting do
      suspend
    rescue StandardError
      log << :rescued
    end
    fiber.stop
    expect(log).to be_empty
  end

  it 'a second time does not cut a running ensure, and waits for the same end' do
    fiber = stubborn
    stoppers = Array.new(2) { spin { fiber.stop } }
    wait_until { stoppers.all? { |one| one.waiting_on&.start_with?('stop of') } }
    3.times { snooze }
    expect(fiber).to be_alive
    fiber << :go
    Polyphony::Fiber.await(*stoppers)
    expect(log).to eq(%i[unwinding go])
  end

  it 'with now: cuts the ensure block' do
    fiber = stubborn
    first = waiting { fiber.stop }
    wait_until { log.include?(:unwinding) }
    fiber.stop(now: true)
    first.await
    expect(fiber).not_to be_alive
    expect(log).to eq([:unwinding])
  end

  it 'with now: cuts the ensure blocks of children as well' do
    fiber = waiting do
      stubborn
      suspend
    end
    first = waiting { fiber.stop }
    wait_until { log.include?(:unwinding) }
    fiber.stop(now: true)
    first.await
    expect(log).to eq([:unwinding])
  end

  it 'raises what the ensure block of a child fails with, in the parent, once' do
    error = RuntimeError.new('ensure')
    fiber = waiting do
      suspend
    ensure
      raise error
    end
    expect(error_of { fiber.stop }).to equal(error)
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
    expect(error_of { fiber.await }).to equal(error)
  end

  it 'by another fiber leaves an error of the ensure block to the parent' do
    fiber = waiting do
      suspend
    ensure
      raise 'ensure'
    end
    stopper = spin { fiber.stop.alive? }
    expect(error_of { suspend }&.message).to eq('ensure')
    expect(stopper.await).to be(false)
  end

  it 'of an ancestor ends the caller with it' do
    parent = waiting do
      spin do
        settle
        parent.stop(:from_below)
        log << :not_reached
      ensure
        log << :child_ended
      end
      suspend
    end
    expect(parent.await).to eq(:from_below)
    expect(log).to eq([:child_ended])
  end

  it 'of an ancestor that is ending already does not wait for oneself' do
    parent = waiting do
      waiting do
        suspend
      ensure
        parent.stop
        log << :went_on
      end
      suspend
    end
    parent.stop
    expect(log).to eq([:went_on])
  end

  it 'of two fibers by each other ends both' do
    b = nil
    a = spin { snooze; b.stop }
    b = spin { snooze; a.stop }
    Polyphony::Fiber.await(a, b)
    expect([a, b]).to all(satisfy { |fiber| !fiber.alive? })
  end

  it 'lets a completed operation keep its value' do
    queue = Queue.new
    fiber = waiting { queue.pop }
    queue << :popped
    fiber.stop(:stopped)
    expect(fiber.await).to eq(:popped)
  end

  it 'ends a fiber that waits for IO, a lock, a queue, a process or another fiber' do
    reader, writer = IO.pipe
    lock = Mutex.new.tap(&:lock)
    waits = [-> { reader.read(1) }, -> { lock.lock }, -> { Queue.new.pop }, -> { sleep },
             -> { spin { suspend }.await }, -> { receive }, -> { IO.select([reader]) if RUBY_VERSION >= '3.2'; suspend }]
    fibers = waits.map { |wait| waiting(&wait) }
    fibers.each(&:stop)
    expect(fibers.map(&:state)).to all(eq(:dead))
    expect(fibers.map(&:result)).to all(be_nil)
  ensure
    lock.unlock # Ruby does not survive the collection of a Mutex that a dead fiber holds
    [reader, writer].each(&:close)
  end

  it 'gives the value of a block that rescues it' do
    fiber = waiting do
      suspend
    rescue Polyphony::Stop
      :own
    end
    expect(fiber.stop(:given).await).to eq(:own)
  end

  it 'is held back by a shield until its end' do
    fiber = waiting { Polyphony.shield { log << receive }; suspend }
    stopper = waiting { fiber.stop(:late) }
    fiber << :finish
    stopper.await
    expect(log).to eq([:finish])
    expect(fiber.await).to eq(:late)
  end

  it 'stops 1,000 children in one go' do
    fibers = Array.new(1000) do
      spin do
        suspend
      ensure
        log << 1
      end
    end
    parent = Polyphony.current
    wait_until { fibers.last.state == :waiting }
    fibers.each(&:stop)
    expect([log.sum, parent.children]).to eq([1000, []])
  end
end
