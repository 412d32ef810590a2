# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe Polyphony::Thread do
  def quiet(...)
    described_class.new(...).tap { |thread| thread.report_on_exception = false }
  end

  # A thread that waits in its main fiber and in two children, which all log their end.
  def full(log)
    described_class.new do
      Thread.current.report_on_exception = false
      2.times { |i| Polyphony.spin { log_end(log, i) } }
      Polyphony.snooze
      log_end(log, :main)
    end
  end

  def log_end(log, what)
    log << :ready
    Polyphony.suspend
  ensure
    sleep 0.001 # may wait
    log << [what, Thread.current]
  end

  # What the fibers of #full have logged at their ends; all of it on their own thread.
  def ends(log, thread)
    expect(log.size).to eq(3)
    Array.new(3) { log.pop.tap { |_, on| expect(on).to equal(thread) }.first }
  end

  it 'hands arguments and keywords to its block, but for its name, which is the tag of its main fiber, too' do
    thread = described_class.new(1, 2, name: 'worker', key: 3) { |a, b, key:| [a, b, key, Polyphony.current.tag] }
    expect(thread.value).to eq([1, 2, 3, 'worker'])
    expect([thread.name, described_class.new { Polyphony.current.tag }.value]).to eq(['worker', :main])
    expect(described_class.new(name: :symbol) { nil }.tap(&:join).name).to eq('symbol')
  end

  it 'needs a block, and a name that is one' do
    expect { described_class.new }.to raise_error(ThreadError, /block/)
    expect { described_class.new(name: 3) { nil } }.to raise_error(TypeError)
  end

  it 'is one by start, fork and Polyphony.thread, too' do
    made = [described_class.start(1) { |x| [x, Fiber.current.blocking?] }, described_class.fork(1) { |x| [x, Fiber.current.blocking?] },
            Polyphony.thread(1) { |x| [x, Fiber.current.blocking?] }]
    expect(made.map(&:class).uniq).to eq([described_class])
    expect(made.map(&:value)).to eq([[1, false]] * 3)
  end

  it 'shows its name, the place of its block, and its state' do
    thread = described_class.new(name: 'shown') { Polyphony.receive }
    expect(thread.inspect).to match(/\A#<Polyphony::Thread "shown" #{Regexp.escape(__FILE__)}:\d+ (run|sleep)>\z/)
    (thread << 1).await
    expect(thread.to_s).to end_with(' dead>')
  end

  describe '#main_fiber' do
    it 'is there at once, also when nobody lets the thread run first' do
      handles = Array.new(50) { described_class.new { Polyphony.current } }.map { |thread| [thread, thread.main_fiber] }
      handles.each { |thread, fiber| expect(thread.value).to equal(fiber) }
    end

    it 'is a fiber as any: await, stop, raise, cancel, select from another thread', :fibers do
      fibers = Array.new(4) { quiet { Polyphony.suspend }.main_fiber }
      fibers[0].stop(:stopped)
      fibers[1].raise(IOError, 'raised')
      fibers[2].cancel
      expect(fibers[0].await).to eq(:stopped)
      expect(error_of { fibers[1].await }).to be_a(IOError)
      expect(error_of { fibers[2].await }).to be_a(Polyphony::Cancel)
      spin { fibers[3].stop(3) }
      expect(Polyphony::Fiber.select(fibers[3])).to eq([fibers[3], 3])
    end

    it 'can be restarted: on its own thread while that lives, after it as a fiber of the one who restarts it', :fibers do
      ran = Queue.new
      thread = described_class.new { ran << Thread.current and Polyphony.receive }
      expect(ran.pop).to equal(thread)
      thread.main_fiber.restart
      expect(ran.pop).to equal(thread)
      expect((thread << :message).await).to eq(:message)
      thread.main_fiber.restart << :again
      expect(thread.main_fiber.await).to eq(:again)
      expect(ran.pop).to equal(Thread.current)
    end
  end

  describe '#<<, #send, #send?' do
    it 'put messages into its main fiber, in order, from before it runs' do
      thread = described_class.new { Array.new(3) { Polyphony.receive } }
      expect(thread << 1 << 2).to equal(thread)
      expect(thread.send?(3)).to be(true)
      expect(thread.await).to eq([1, 2, 3])
    end

    it 'say that it has ended' do
      thread = described_class.new { nil }.tap(&:join)
      expect { thread << 1 }.to raise_error(Polyphony::DeadFiber)
      expect { thread.send(1) }.to raise_error(Polyphony::DeadFiber)
      expect(thread.send?(1)).to be(false)
    end

    it 'wake senders that wait for room when the thread ends' do
      thread = described_class.new do
        Polyphony.current.mailbox_limit = 1
        Polyphony.suspend
      end
      Thread.pass until thread.main_fiber.mailbox_limit
      thread << :fills_it
      senders = Array.new(3) { Polyphony.thread { thread.send?(:late) } }
      Thread.pass until senders.all? { |sender| sender.main_fiber.waiting_on }
      thread.kill
      expect(senders.map(&:value)).to eq([false] * 3)
    end
  end

  describe '#await' do
    it 'gives the value, in a fiber beside others', :fibers do
      thread = described_class.new { Polyphony.receive }
      waiter = spin { thread.await }
      wait_until { waiter.state == :waiting }
      thread << 7
      expect(waiter.await).to eq(7)
    end

    it 'raises the error of the main fiber, and that of a child that nobody rescues' do
      expect { quiet { raise IOError, 'main' }.await }.to raise_error(IOError, 'main')
      expect { quiet { Polyphony.spin { raise IOError, 'child' } and Polyphony.suspend }.await }.to raise_error(IOError, 'child')
    end

    it 'is the same error each time, and the same that join, value and the main fiber give' do
      thread = quiet { raise IOError }
      errors = [-> { thread.await }, -> { thread.await }, -> { thread.join }, -> { thread.value }, -> { thread.main_fiber.await }]
      expect(errors.map { |way| error_of(&way) }.uniq(&:__id__).size).to eq(1)
    end

    it 'of a thread by itself is refused' do
      thread = quiet { Thread.current.await }
      expect { thread.await }.to raise_error(ThreadError)
    end

    it 'can be cut, and the thread goes on', :fibers do
      thread = described_class.new { Polyphony.receive }
      expect(move_on_after(0.001, with_value: :cut) { thread.await }).to eq(:cut)
      expect((thread << 1).await).to eq(1)
    end
  end

  describe '#stop' do
    it 'unwinds the main fiber, then the children, and comes back when the thread has ended' do
      log = Queue.new
      thread = full(log)
      3.times { log.pop }
      expect(thread.stop(:value)).to equal(thread)
      expect(thread).not_to be_alive
      expect(ends(log, thread)).to match([:main, 0, 1])
      expect(thread.await).to eq(:value)
    end

    it 'at once gives its value, whether or not the block had begun' do
      threads = Array.new(20) { described_class.new { Polyphony.suspend } }
      threads.each { |thread| thread.stop(:early) }
      expect(threads.map(&:await)).to eq([:early] * 20)
    end

    it 'of an ended thread does nothing' do
      thread = described_class.new { 1 }.tap(&:join)
      expect(thread.stop(2).await).to eq(1)
    end

    it 'in its own fibers unwinds the main fiber' do
      by_main = described_class.new { Thread.current.stop(:by_main) }
      by_child = described_class.new { Polyphony.spin { Thread.current.stop(:by_child) } and Polyphony.suspend }
      expect([by_main.await, by_child.await]).to eq(%i[by_main by_child])
    end

    it 'leaves an error of an ensure block to await' do
      log = Queue.new
      thread = quiet do
        log << :ready
        Polyphony.suspend
      ensure
        raise IOError, 'ensure'
      end
      log.pop
      expect(thread.stop).to equal(thread)
      expect { thread.await }.to raise_error(IOError, 'ensure')
    end

    it 'with now: true cuts an ensure block that waits' do
      log = Queue.new
      thread = described_class.new do
        log << :ready
        Polyphony.suspend
      ensure
        log << :ensure
        Polyphony.suspend
      end
      log.pop
      stopper = described_class.new { thread.stop }
      expect(log.pop).to eq(:ensure)
      thread.stop(now: true)
      stopper.join
      expect(thread).not_to be_alive
    end

    it 'by several threads at once ends it once; all come back' do
      10.times do
        log = Queue.new
        thread = full(log)
        3.times { log.pop }
        Array.new(4) { described_class.new { thread.stop.alive? } }.each { |stopper| expect(stopper.value).to be(false) }
        expect(ends(log, thread)).to contain_exactly(:main, 0, 1)
      end
    end
  end
end
