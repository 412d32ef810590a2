# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'spin beside other ways to make fibers' do
  describe 'Fiber.schedule' do
    it 'runs at once and finishes at the end of the thread, while spun fibers are stopped' do
      log = Queue.new
      Thread.new do
        Polyphony::Scheduler.install
        Fiber.schedule do
          log << :scheduled
          3.times { sleep 0 }
          log << :finished
        end
        log << :back
        Polyphony.spin do
          log << :spun
          Polyphony.suspend
        ensure
          log << :stopped
        end
        Polyphony.snooze
      end.join
      expect(Array.new(log.size) { log.pop }).to eq(%i[scheduled back spun stopped finished])
    end

    it 'makes a fiber that can send, receive, await and be a parent', :fibers do
      me = Polyphony.current
      Fiber.schedule do
        me << Polyphony.current
        me << [Polyphony.receive, Polyphony.spin { :child }.await]
      end
      scheduled = receive
      scheduled << :hello
      expect(receive).to eq(%i[hello child])
      wait_until { !scheduled.alive? }
      expect(scheduled.await).to be_nil
    end
  end

  describe 'a nested Fiber in a spun one', :fibers do
    it 'waits as its outer fiber does' do
      fiber = spin do
        inner = Fiber.new { |x| Fiber.yield(x + receive); receive }
        [inner.resume(1), inner.resume]
      end
      spin { fiber << 10 << 20 }
      expect(fiber.await).to eq([11, 20])
    end

    it 'spins children of the fiber that runs it' do
      fiber = spin { Fiber.new { spin { 5 } }.resume.then { |child| [child.parent, child.await] } }
      expect(fiber.await).to eq([fiber, 5])
    end
  end

  describe 'an Enumerator in a spun fiber', :fibers do
    it 'with external next awaits and receives' do
      fiber = spin do
        enumerator = Enumerator.new { |y| loop { y << receive } }
        [enumerator.next, enumerator.next]
      end
      spin { fiber << 1; snooze; fiber << 2 }
      expect(fiber.await).to eq([1, 2])
    end

    it 'ends when the fiber is stopped' do
      fiber = waiting { Enumerator.new { |y| y << receive }.next }
      fiber.stop
      expect(fiber).not_to be_alive
    end
  end
end
