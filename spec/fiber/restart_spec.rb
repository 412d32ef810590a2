# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony::Fiber#restart', :fibers do
  # Notes each run, then waits for a message and gives it.
  def repeater
    spin do
      log << :run
      receive
    ensure
      log << :end
    end
  end

  def started(fiber, runs = 1)
    wait_until { log.count(:run) == runs && fiber.state == :waiting }
    fiber
  end

  it 'stops the current run and runs the block again, under the same handle' do
    fiber = started(repeater)
    expect(fiber.restart).to equal(fiber)
    started(fiber, 2)
    fiber << :second
    expect(fiber.await).to eq(:second)
    expect(log).to eq(%i[run end run end])
  end

  it 'runs a dead fiber again' do
    count = 0
    fiber = spin { count += 1 }
    expect(fiber.await).to eq(1)
    fiber.restart
    expect(fiber).to be_alive
    expect(fiber.await).to eq(2)
    expect(fiber.result).to eq(2)
  end

  it 'runs a failed fiber again' do
    fail_first = true
    fiber = spin { fail_first ? raise('once') : :fine }
    expect(error_of { fiber.await }&.message).to eq('once')
    fail_first = false
    expect(fiber.restart.await).to eq(:fine)
  end

  it 'runs the block once if it had not started' do
    fiber = repeater
    fiber.restart
    started(fiber)
    fiber << :one
    fiber.await
    expect(log).to eq(%i[run end])
  end

  it 'takes back a stop of a fiber that has not started', :fifo do
    fiber = nil
    stopper = spin { fiber.stop }
    spin { fiber.restart }
    fiber = repeater
    stopper.await
    started(fiber)
    fiber << :ran
    expect(fiber.await).to eq(:ran)
  end

  it 'from within unwinds at once and runs again' do
    runs = 0
    fiber = spin do
      runs += 1
      Polyphony.current.restart if runs < 3
      runs
    ensure
      log << runs
    end
    expect(fiber.await).to eq(3)
    expect(log).to eq([1, 2, 3])
  end

  it 'during a stop gives a new run; the stopper waits for the old one only' do
    fiber = spin do
      log << :run
      suspend
    ensure
      receive
    end
    started(fiber)
    stopper = waiting { fiber.stop }
    fiber.restart
    fiber << :old_may_end
    stopper.await
    started(fiber, 2)
    fiber << :new_may_end
    fiber.stop
    expect(log).to eq(%i[run run])
  end

  it 'is called off by a stop while the old run unwinds' do
    fiber = spin do
      log << :run
      suspend
    ensure
      receive
    end
    started(fiber)
    fiber.restart
    stopper = waiting { fiber.stop(:stopped) }
    fiber << :unwind
    stopper.await
    expect(fiber.await).to eq(:stopped)
    expect(log).to eq([:run])
  end

  it 'stops the children of the first run before the second begins' do
    children = []
    fiber = spin do
      log << :run
      log << children.count(&:alive?)
      children << spin { suspend }
      suspend
    end
    started(fiber)
    fiber.restart
    started(fiber, 2)
    expect(log).to eq([:run, 0, :run, 0])
    expect(fiber.children.size).to eq(1)
  end

  it 'begins the second run when all children of the first have ended, however long that takes' do
    fiber = spin do
      log << :run
      spin do
        suspend
      ensure
        log << :child
        receive if log.count(:run) == 1
        log << :child_ended
      end
      suspend
    ensure
      log << :block_ended
    end
    started(fiber)
    child = fiber.children.first
    wait_until { child.state == :waiting }
    fiber.restart
    wait_until { log.include?(:child) && child.state == :waiting }
    expect(log).to eq(%i[run block_ended child])
    child << :go
    started(fiber, 2)
    expect(log).to eq(%i[run block_ended child child_ended run])
    expect(fiber.children).not_to include(child)
  end

  it 'from within an ensure block unwinds the rest of it and runs again, whatever ended the run' do
    endings = { stopped: -> { suspend }, failed: -> { raise 'first run' }, done: -> {} }
    endings.each do |name, ending|
      fiber = spin do
        log << [name, :run]
        ending.call if log.count([name, :run]) == 1
        :second
      ensure
        if log.count([name, :run]) == 1
          Polyphony.current.restart
          log << :not_reached
        end
      end
      wait_until { fiber.state == :waiting || !fiber.alive? }
      fiber.stop if name == :stopped
      expect(fiber.await).to eq(:second)
    end
    expect(log).to eq(%i[stopped failed done].flat_map { |name| [[name, :run]] * 2 })
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
  end

  it 'is called off when the parent is ending, for a live fiber as for a dead one' do
    live = nil
    parent = spin do
      live = spin do
        log << :run
        suspend
      ensure
        wait_until { log.include?(:asked) }
        log << :unwound
      end
      spin do
        suspend
      ensure
        live.restart
        log << :asked
      end
      settle
    end
    parent.await
    expect(log).to eq(%i[run asked unwound])
    expect(live).not_to be_alive
  end

  it 'gives its error to the parent once, when the run had failed and nobody had seen it yet' do
    parent = spin do
      fiber = spin { log << :run; log.size == 1 ? raise('first run') : :second }
      Polyphony.shield do
        settle
        fiber.restart
        log << fiber.await
      end
      error_of { suspend }.message
    end
    expect(parent.await).to eq('first run')
    expect(log).to eq([:run, :run, :second])
  end

  it 'makes a Fiber.await wait for the new run, too, and its error the second' do
    fiber = started(repeater)
    awaiter = waiting { Polyphony::Fiber.await(fiber) }
    fiber.restart
    started(fiber, 2)
    expect(awaiter).to be_alive
    fiber.raise(IOError, 'second run')
    errors = [error_of { awaiter.await }, error_of { fiber.await }]
    expect(errors.map(&:message)).to eq(['second run'] * 2)
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
  end

  it 'drops the messages that were not received' do
    fiber = spin { log << :run; suspend; receive_pending }
    started(fiber)
    fiber << :old
    fiber.restart
    started(fiber, 2)
    expect(Polyphony::Group.life(fiber).receive_pending).to be_empty
  end

  it 'makes those who await wait for the new run' do
    fiber = started(repeater)
    awaiter = waiting { fiber.await }
    fiber.restart
    started(fiber, 2)
    fiber << :new
    expect(awaiter.await).to eq(:new)
  end

  it 'ends with the error of the old run if that fails to unwind' do
    fiber = spin do
      log << :run
      suspend
    ensure
      raise 'unwinding' if log.size == 1
    end
    started(fiber)
    fiber.restart
    expect(error_of { fiber.await }&.message).to eq('unwinding')
    expect(log).to eq([:run])
  end

  it 'works again and again' do
    fiber = repeater
    (1..20).each do |run|
      started(fiber, run)
      fiber.restart
    end
    started(fiber, 21)
    fiber << :last
    expect(fiber.await).to eq(:last)
  end

  it 'is refused for a fiber that was not spun' do
    expect(error_of { Thread.new { Polyphony.current.restart }.tap { |t| t.report_on_exception = false }.value })
      .to be_a(Polyphony::Error)
  end

  it 'gives a fiber whose parent has ended the caller as its parent' do
    orphan = nil
    spin { orphan = spin { suspend } }.await
    orphan.restart
    expect(orphan.parent).to equal(Polyphony.current)
    wait_until { orphan.state == :waiting }
  end
end
