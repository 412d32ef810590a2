# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Fiber.await and Fiber.select', :fibers do
  def gated(value)
    spin { receive; value }
  end

  describe '.await' do
    it 'gives the results in the order of the arguments' do
      fibers = Array.new(3) { |i| gated(i * 10) }
      fibers.reverse_each { |fiber| fiber << :go }
      expect(Polyphony::Fiber.await(*fibers)).to eq([0, 10, 20])
      expect(Polyphony::Fiber.await(fibers)).to eq([0, 10, 20])
    end

    it 'of nothing is empty' do
      expect([Polyphony::Fiber.await, Polyphony::Fiber.await([])]).to eq([[], []])
    end

    it 'takes a fiber twice, and finished ones' do
      done = spin { 1 }.tap(&:await)
      live = spin { snooze; 2 }
      expect(Polyphony::Fiber.await(live, done, live)).to eq([2, 1, 2])
    end

    it 'on the first error stops the others, waits for them, then raises it' do
      other = waiting do
        suspend
      ensure
        snooze
        log << :other_ended
      end
      failing = spin { snooze; raise IOError }
      expect(error_of { Polyphony::Fiber.await(other, failing) }).to be_a(IOError)
      expect(log).to eq([:other_ended])
      expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
    end

    it 'raises the error of a fiber that had failed before' do
      failed = spin { raise IOError }.tap { |fiber| error_of { fiber.await } }
      other = spin { suspend }
      expect(error_of { Polyphony::Fiber.await(other, failed) }).to be_a(IOError)
      expect(other).not_to be_alive
    end

    it 'leaves the other fibers\' errors to their parents as well, if those are others' do
      failing = nil
      parent = spin do
        failing = spin do
          suspend
        ensure
          raise 'b'
        end
        log << error_of { suspend }
      end
      wait_until { failing&.state == :waiting }
      raised = error_of { Polyphony::Fiber.await(failing, spin { raise 'a' }) }
      parent.await
      expect([raised.message, *Polyphony.suppressed(raised)]).to eq(['a', *log])
      expect(log.map(&:message)).to eq(['b'])
      expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
    end

    it 'loses no error of a fiber that it stopped when it was itself interrupted' do
      failing = waiting do
        suspend
      ensure
        raise 'b'
      end
      awaiter = waiting { Polyphony::Fiber.await(failing) }
      awaiter.stop
      expect(failing).to be_alive
      expect(error_of { failing.stop }&.message).to eq('b')
    end

    it 'waits for the new run of one that is restarted meanwhile' do
      first = gated(:first)
      second = gated(:second)
      awaiter = waiting { Polyphony::Fiber.await(first, second) }
      first << 1
      wait_until { !first.alive? }
      first.restart
      second << 1
      wait_until { !second.alive? }
      first << 2
      expect(awaiter.await).to eq(%i[first second])
    end

    it 'lets the fibers go on when it is interrupted itself' do
      fiber = waiting { receive }
      awaiter = waiting { Polyphony::Fiber.await(fiber) }
      awaiter.stop
      fiber << :on
      expect(fiber.await).to eq(:on)
    end

    it 'refuses what is no fiber' do
      [nil, 1, Fiber.new {}, Thread.current].each do |wrong|
        expect(error_of { Polyphony::Fiber.await(wrong) }).to be_a(TypeError)
        expect(error_of { Polyphony::Fiber.select(wrong) }).to be_a(TypeError)
      end
    end
  end

  describe '.select' do
    it 'gives the first to finish and its result; others go on' do
      slow = gated(:slow)
      quick = gated(:quick)
      quick << 1
      expect(Polyphony::Fiber.select(slow, quick)).to eq([quick, :quick])
      expect(slow).to be_alive
      slow << 1
      expect(slow.await).to eq(:slow)
    end

    it 'stops the others if asked to' do
      slow = gated(:slow)
      quick = gated(:quick)
      quick << 1
      Polyphony::Fiber.select(slow, quick, stop_others: true)
      expect(slow).not_to be_alive
    end

    it 'raises what the first failed with' do
      slow = gated(:slow)
      failing = spin { raise IOError }
      expect(error_of { Polyphony::Fiber.select(slow, failing) }).to be_a(IOError)
      expect(slow).to be_alive
      expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
    end

    it 'leaves the error of a later one to the parent' do
      fibers = [spin { :fine }, spin { receive; raise IOError }]
      expect(Polyphony::Fiber.select(*fibers)).to eq([fibers.first, :fine])
      fibers.last << :fail
      expect(error_of { suspend }).to be_a(IOError)
    end

    it 'gives a finished one at once; nil for nothing' do
      done = spin { :done }.tap(&:await)
      expect(Polyphony::Fiber.select(gated(1), done)).to eq([done, :done])
      expect(Polyphony::Fiber.select).to be_nil
    end
  end
end
