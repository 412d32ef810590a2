# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'an uncaught error', :fibers do
  # Counts how often +error+ is raised in the block's waits, rescuing it each time.
  def count_raised(error, waits: 5)
    Array.new(waits) { error_of { snooze } }.count { |raised| raised.equal?(error) }
  end

  let(:error) { RuntimeError.new('boom') }

  it 'is raised in the parent at its current wait' do
    spin { raise error }
    expect(error_of { suspend }).to equal(error)
    expect(count_raised(error)).to eq(0)
  end

  it 'is raised in the parent at its next wait when that runs' do
    child = spin { raise error }
    raised = Array.new(2) { error_of { settle } }.compact
    expect(raised).to eq([error])
    expect(child).not_to be_alive
    expect(count_raised(error)).to eq(0)
  end

  it 'is raised once by await when the parent is awaiting' do
    child = spin { raise error }
    expect(error_of { child.await }).to equal(error)
    expect(count_raised(error)).to eq(0)
  end

  it 'is raised again by each further await, but at no other wait' do
    child = spin { raise error }
    raised = Array.new(3) { error_of { child.await } }
    expect(raised).to all(equal(error))
    expect(count_raised(error)).to eq(0)
  end

  it 'comes to the parent at its end if it has no wait left' do
    parent = spin do
      child = spin { raise error }
      child.await rescue nil
      other = spin { suspend }
      other.raise(error)
      :never_waits_again
    end
    expect(error_of { parent.await }).to equal(error)
  end

  it 'ends a parent that does not rescue it, and stops its other children' do
    sibling = nil
    parent = spin do
      sibling = spin do
        suspend
      ensure
        log << :sibling_ended
      end
      spin { settle; raise error }
      suspend
      log << :not_reached
    end
    expect(error_of { parent.await }).to equal(error)
    expect(log).to eq([:sibling_ended])
    expect(sibling).not_to be_alive
  end

  it 'leaves a parent that rescues it, and its other children, alone' do
    parent = spin do
      sibling = spin { receive }
      spin { raise error }
      begin
        suspend
      rescue RuntimeError => e
        log << e
      end
      sibling << :go_on
      sibling.await
    end
    expect(parent.await).to eq(:go_on)
    expect(log).to eq([error])
  end

  it 'bubbles up through grandparents' do
    top = spin { spin { spin { raise error }.await.await }.await }
    expect(error_of { top.await }).to equal(error)
    expect(count_raised(error)).to eq(0)
  end

  it 'reaches other awaiters as well as the parent, each once' do
    child = spin { settle; raise error }
    others = Array.new(2) { spin { error_of { child.await } } }
    mine = error_of { child.await }
    expect([mine, *others.map(&:await)]).to all(equal(error))
    expect(count_raised(error)).to eq(0)
  end

  it 'goes to the parent when only a sibling awaits, and to the sibling, once each' do
    child = spin { settle; raise error }
    sibling = spin { error_of { child.await } }
    expect(error_of { suspend }).to equal(error)
    expect(sibling.await).to equal(error)
    expect(count_raised(error)).to eq(0)
  end

  it 'comes once although a sibling passes it on' do
    child = spin { settle; raise error }
    sibling = spin { child.await }
    first = error_of { suspend }
    wait_until { !sibling.alive? }
    expect(first).to equal(error)
    expect(count_raised(error)).to eq(0)
  end

  it 'comes once when the parent awaits the sibling that passes it on' do
    child = spin { settle; raise error }
    sibling = spin { child.await }
    expect(error_of { sibling.await }).to equal(error)
    wait_until { !sibling.alive? }
    expect(count_raised(error)).to eq(0)
  end

  it 'comes twice when two fibers fail with the same exception object' do
    2.times { spin { raise error } }
    expect(Array.new(2) { error_of { suspend } }).to eq([error, error])
    expect(count_raised(error)).to eq(0)
  end

  it 'is not lost when the parent is awaiting the child but leaves for another reason' do
    child = spin { settle; raise error }
    other = RuntimeError.new('other')
    spin { settle; raise other }
    raised = [error_of { child.await }, error_of { suspend }]
    expect(raised).to contain_exactly(error, other)
  end

  it 'is not lost when a second child fails while the first error unwinds the parent' do
    parent = spin do
      spin do
        suspend
      ensure
        raise 'second'
      end
      settle
      raise error
    end
    expect(error_of { parent.await }).to equal(error)
    expect(Polyphony.suppressed(error).map(&:message)).to eq(['second'])
    expect(count_raised(error)).to eq(0)
  end

  it 'is raised in the thread of the parent, and only there, when nobody of another thread awaits' do
    threads = Queue.new
    thread = Polyphony::Thread.new do
      Polyphony.spin { raise IOError }
      threads << [error_of { Polyphony.suspend }.class, Thread.current]
    end
    thread.join
    expect(threads.pop).to eq([IOError, thread])
    expect(threads).to be_empty
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
  end

  it 'goes to awaiters in other threads and to the parent in its own, once each' do
    child = waiting { receive; raise error }
    ready = Queue.new
    threads = Array.new(3) do
      Polyphony::Thread.new do
        ready << spin { suspend }
        [error_of { child.await }, *Array.new(4) { error_of { Polyphony.snooze } }.compact]
      end
    end
    3.times { ready.pop }
    child << :fail
    expect(error_of { suspend }).to equal(error)
    expect(threads.map(&:value)).to eq([[error]] * 3)
    expect(count_raised(error)).to eq(0)
  end

  it 'of fibers of another thread stops the others of a Fiber.await there, and waits for them' do
    fibers = Queue.new
    ended = Queue.new
    thread = Polyphony::Thread.new do
      Polyphony.scope do
        fibers << spin do
          suspend
        ensure
          Polyphony.snooze
          ended << Thread.current
        end
        fibers << (failing = spin { receive; raise error })
        error_of { failing.await }
        receive
      end
    end
    both = [fibers.pop, fibers.pop]
    both.last << :fail
    expect(error_of { Polyphony::Fiber.await(*both) }).to equal(error)
    expect([ended.size, ended.pop]).to eq([1, thread])
    thread.kill
  end

  it 'in an ensure block takes the place of what was being raised, which is its cause' do
    child = spin do
      raise error
    ensure
      raise IOError, 'closing'
    end
    raised = error_of { child.await }
    expect([raised.class, raised.cause]).to eq([IOError, error])
    expect(count_raised(error) + count_raised(raised)).to eq(0)
  end

  it 'comes to a parent in its ensure block when it waits there, as at any wait' do
    parent = spin do
      spin { settle; raise IOError, 'child' }
      raise error
    ensure
      suspend
    end
    raised = error_of { parent.await }
    expect([raised.message, raised.cause]).to eq(['child', error])
  end

  it 'may be no StandardError' do
    child = spin { raise NotImplementedError, 'later' }
    expect(error_of { child.await }).to be_a(NotImplementedError)
  end

  it 'of a Fiber.schedule fiber that spun children stops them and is raised in main' do
    child = nil
    Fiber.schedule do
      child = Polyphony.spin { suspend }
      sleep 0
      raise error
    end
    expect(error_of { suspend }).to equal(error)
    wait_until { !child.alive? }
  end

  describe 'in main' do
    it 'is printed by Ruby, with its own frames and where the fiber was spun, and exits with 1' do
      out, err, status = run_ruby(<<~RUBY)
        require 'polyphony/core'
        def work
          raise ArgumentError, 'bad work'
        end
        Polyphony.run do
          Polyphony.spin do
            Polyphony.suspend
          ensure
            puts 'sibling ended'
          end
          Polyphony.spin do
            Polyphony::Scheduler.wait_all_blocked
            work
          end
          Polyphony.suspend
        end
        puts 'not reached'
      RUBY
      expect(status.exitstatus).to eq(1)
      expect(out).to eq("sibling ended\n")
      expect(err).to match(/script.*rb:3:in .*work': bad work \(ArgumentError\)/)
      expect(err.scan('bad work (Arg').size).to eq(1)
      expect(err).to match(/spun at .*rb:11/)
      expect(err).not_to include('lib/polyphony/')
    end

    it 'gives the exit status of a SystemExit in a fiber' do
      _, err, status = run_ruby(<<~RUBY)
        require 'polyphony/core'
        Polyphony.run { Polyphony.spin { exit 7 }; Polyphony.suspend }
      RUBY
      expect([status.exitstatus, err]).to eq([7, ''])
    end

    it 'surfaces from a fiber of a blocking main thread when the program ends' do
      _, err, status = run_ruby(<<~RUBY)
        require 'polyphony/core'
        Polyphony.spin { raise 'late' }
      RUBY
      # The fiber is stopped before its first run, as every child of an ended parent.
      expect([status.exitstatus, err]).to eq([0, ''])
    end

    it 'fails a program whose fiber fails while the blocking main thread ends' do
      _, err, status = run_ruby(<<~RUBY)
        require 'polyphony/core'
        Polyphony.spin do
          Polyphony.suspend
        ensure
          raise 'in ensure'
        end
        Polyphony::Scheduler.wait_all_blocked
      RUBY
      expect(err).to include('in ensure (RuntimeError)')
      expect(status.exitstatus).to eq(1)
    end
  end
end
