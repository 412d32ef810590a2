# frozen_string_literal: true

require 'timeout'
require_relative '../support/fibers'

RSpec.describe 'Watching the scheduler', :fibers do
  let(:scheduler) { Polyphony::Scheduler.current }

  after { scheduler.trace = nil }

  def traced
    events = []
    scheduler.trace = ->(*event) { events << event }
    yield
    scheduler.trace = nil
    events
  end

  describe '#trace=' do
    it 'tells of the life of a fiber in order' do
      fiber = nil
      events = traced do
        fiber = spin(:traced) { snooze; sleep(0.001) }
        fiber.await
      end
      of_fiber = events.select { |_, task| task && task.handle && task.handle.tag == :traced }
      expect(of_fiber.map(&:first)).to eq(%i[spin run wait run wait run end])
      expect(of_fiber.map { |event| event[2] }.compact.map { |detail| detail[/\A\w+/] }).to eq(%w[ready sleep])
      expect(events.map(&:last)).to eq(events.map(&:last).sort)
    end

    it 'tells how long the loop was idle' do
      events = traced { sleep(0.001) }
      polls = events.select { |name,| name == :poll }
      expect(polls).not_to be_empty
      expect(polls.map { |event| event[2] }).to all(be_a(Float))
    end

    it 'says nothing after it was switched off' do
      events = traced { snooze }
      count = events.size
      spin { snooze }.await
      expect(events.size).to eq(count)
    end

    it 'lets the tracer print, even where there is no room at once' do
      reader, writer = IO.pipe
      writer.sync = true
      drain = Thread.new { reader.read }
      scheduler.trace = ->(name, *) { writer.write("#{name} #{'x' * 20_000}\n") }
      spin { 5.times { snooze } }.await
      scheduler.trace = nil
      writer.close
      expect(drain.value.scan(/^(\w+) x{20000}$/).flatten).to include('spin', 'run', 'wait', 'end')
    end

    it 'does not let the tracer wait for anything else' do
      scheduler.trace = ->(*) { sleep(1) }
      expect { 3.times { snooze } }.to raise_error(FiberError, /cannot wait/)
      expect(scheduler.trace).to be_nil
    end

    it 'ends with the first error of the tracer, which goes to main' do
      calls = 0
      scheduler.trace = ->(*) { calls += 1; raise 'tracer' }
      expect { 3.times { snooze } }.to raise_error('tracer')
      expect(calls).to eq(1)
      expect(scheduler.trace).to be_nil
    end

    it 'takes what can be called' do
      expect { scheduler.trace = 1 }.to raise_error(TypeError)
    end
  end

  describe '#watch_holds' do
    after { scheduler.watch_holds(0, nil) }

    def spend(seconds)
      until_then = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
      nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < until_then
    end

    it 'names the fiber that held the loop, in that fiber' do
      scheduler.watch_holds(0.02, ->(task, seconds) { log << [task.handle.tag, seconds, Polyphony.current.tag] })
      spin(:quick) { 100.times { snooze } }
      spin(:slow) { spend(0.03); snooze }
      spin(:last) { spend(0.03) }
      supervise
      mine = log.select { |tag,| %i[slow last].include?(tag) }
      expect(mine.map(&:first)).to eq(%i[slow last])
      expect(mine.map(&:last)).to eq(%i[slow last])
      expect(mine.map { |entry| entry[1] }).to all(be >= 0.03)
    end

    it 'does not count the time the loop was idle' do
      scheduler.watch_holds(0.05, ->(task, _) { log << task.handle.tag })
      spin(:sleeper) { sleep(0.1) }.await
      expect(log).not_to include(:sleeper)
    end

    it 'ends with the first error of the watcher, which goes to main' do
      scheduler.watch_holds(0.001, ->(*) { raise 'watcher' })
      expect { spin { spend(0.002) }.await; snooze; sleep(0) }.to raise_error('watcher')
    end

    it 'takes a positive number of seconds and what can be called' do
      expect { scheduler.watch_holds(0, ->(*) {}) }.to raise_error(ArgumentError)
      expect { scheduler.watch_holds(1, 1) }.to raise_error(TypeError)
      expect { scheduler.watch_holds('x', ->(*) {}) }.to raise_error(TypeError)
    end
  end

  describe '#running' do
    it 'tells another thread who runs' do
      mine = scheduler
      spin(:runner) do
        thread = Thread.new { log << mine.running }
        Thread.pass while log.empty? # without a wait
        thread.join
      end.await
      task, seconds = log.first
      expect(task.handle.tag).to eq(:runner)
      expect(seconds).to be >= 0
    end
  end

  it 'has the longest run in #stats' do
    spin { deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 0.05; nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline }.await
    sleep(0.001) # the loop looks at the operating system
    expect(scheduler.stats[:longest_run]).to be >= 0.03
  end

  describe 'Task#deadline' do
    it 'is that of the nearest time limit, of whatever kind' do
      task = Polyphony::Scheduler.task
      expect(task.deadline).to be_nil
      move_on_after(100) do
        outer = task.deadline
        expect(outer - Polyphony.now).to be_between(99, 100)
        move_on_after(200) { expect(task.deadline).to eq(outer) }
        Timeout.timeout(50) { expect(task.deadline).to be < outer }
        move_on_after(nil) { expect(task.deadline).to eq(outer) }
      end
      expect(task.deadline).to be_nil
    end
  end

  describe 'Task#waiting_fiber' do
    it 'is the native fiber that waits: the own one or one nested in it' do
      inner = nil
      outer = spin { ::Fiber.new(blocking: false) { inner = ::Fiber.current; sleep }.resume }
      plain = spin { suspend }
      wait_until { [outer, plain].all? { |fiber| fiber.state == :waiting } }
      tasks = scheduler.tasks
      expect(tasks.find { |task| task.fiber.equal?(plain) }.waiting_fiber).to equal(plain)
      expect(tasks.find { |task| task.fiber.equal?(outer) }.waiting_fiber).to equal(inner)
      expect(Polyphony::Scheduler.task.waiting_fiber).to be_nil
    end
  end

  describe '#sampler=' do
    it 'names a thread in spite of which a Deadlock is found' do
      out, = run_ruby(<<~RUBY)
        require 'polyphony/core'
        Polyphony.run do
          Polyphony::Scheduler.current.sampler = Thread.new { Thread.stop }
          Polyphony.receive
        rescue Polyphony::Deadlock
          puts 'found'
        end
      RUBY
      expect(out).to eq("found\n")
    end

    it 'takes a Thread' do
      expect { scheduler.sampler = 1 }.to raise_error(TypeError)
    end
  end
end
