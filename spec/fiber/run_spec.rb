# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony.run' do
  it 'runs its block in a non-blocking fiber and gives its value' do
    expect(Polyphony.run { [Fiber.current.blocking?, Polyphony.current.tag] }).to eq([false, :main])
    expect(Fiber.current).to be_blocking
  end

  it 'raises what the block raises, and leaves no scheduler behind' do
    Thread.new do
      expect(error_of { Polyphony.run { raise IOError } }).to be_a(IOError)
      expect(Fiber.scheduler).to be_nil
    end.join
  end

  it 'ends when the fibers spun in it have ended' do
    ended = []
    Polyphony.run do
      Polyphony.spin do
        Polyphony.suspend
      ensure
        ended << 1
      end
      Polyphony.snooze
    end
    expect(ended).to eq([1])
  end

  it 'just calls its block inside of a fiber', :fibers do
    me = Polyphony.current
    expect(Polyphony.run { Polyphony.current }).to equal(me)
    expect(spin { Polyphony.run { snooze; :nested } }.await).to eq(:nested)
  end

  it 'can be repeated on the same thread' do
    Thread.new { expect(Array.new(3) { |i| Polyphony.run { Polyphony.spin { i }.await } }).to eq([0, 1, 2]) }.join
  end

  it 'needs a block' do
    expect(error_of { Polyphony.run }).to be_a(ArgumentError)
  end

  describe 'Polyphony::Thread' do
    it 'is a thread whose block is non-blocking' do
      thread = Polyphony::Thread.new(1) { |x| [x, Fiber.current.blocking?, Polyphony.spin { 2 }.await] }
      expect(thread.value).to eq([1, false, 2])
      expect(Polyphony.thread { Polyphony.current.alive? }.value).to be(true)
      expect(error_of { Polyphony::Thread.new }).to be_a(ThreadError)
    end

    it 'surfaces an uncaught error of a fiber in value' do
      thread = Polyphony::Thread.new do
        Thread.current.report_on_exception = false
        Polyphony.spin { raise IOError }
        Polyphony.suspend
      end
      expect(error_of { thread.value }).to be_a(IOError)
    end

    it 'stops its fibers when it is killed' do
      log = Queue.new
      thread = Polyphony::Thread.new do
        Polyphony.spin do
          log << Polyphony.current
          Polyphony.suspend
        ensure
          log << :ended
        end
        Polyphony.suspend
      end
      fiber = log.pop
      thread.kill.join
      expect(log.pop).to eq(:ended)
      expect(fiber).not_to be_alive
    end
  end

  it 'lets other threads stop, await and send to its fibers', :fibers do
    fiber = waiting { [receive, receive] }
    stopped = waiting { suspend }
    thread = Thread.new do
      fiber << 1 << 2
      stopped.stop(:from_thread)
      [fiber.await, stopped.await]
    end
    expect(thread.value).to eq([[1, 2], :from_thread])
  end
end
