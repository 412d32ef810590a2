# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe Polyphony::ThreadPool, :fibers do
  subject(:pool) { described_class.new(2, name: 'jobs') }

  let(:gate) { Queue.new }

  after do
    100.times { gate << :open } # whatever went wrong: no job hangs
    pool.stop
  end

  # @return [Polyphony::Fiber] whose job a worker has begun, and which goes on when the gate opens
  def running(pool, &block)
    begun = Queue.new
    spin { pool.process { begun << 1; value = gate.pop; block ? block.call(value) : value } }.tap { begun.pop }
  end

  describe 'process' do
    it 'runs blocks on other threads and gives their values' do
      expect(pool.process { Thread.current }).not_to equal(Thread.current)
      expect(Polyphony::Fiber.await(*Array.new(10) { |i| spin { pool.process { i } } })).to eq((0...10).to_a)
    end

    it 'lets other fibers go on while a thread is blocked' do
      job = running(pool)
      spin { gate << :opened_by_another_fiber }
      expect(job.await).to eq(:opened_by_another_fiber)
    end

    it 'runs as many jobs at once as it has threads, and begins the others in order' do
      jobs = Array.new(2) { running(pool) }
      queued = Array.new(3) { |i| waiting { pool.process { log << i } } }
      expect([pool.running, pool.queued, pool.busy?]).to eq([2, 3, true])
      expect(pool.inspect).to eq('#<Polyphony::ThreadPool "jobs" threads=2/2 running=2 queued=3>')
      gate << 1
      queued.each(&:await) # one after the other, on the one thread that is free
      expect(log).to eq([0, 1, 2])
      gate << 1
      jobs.each(&:await)
      expect([pool.busy?, pool.queued]).to eq([false, 0])
    end

    it 'raises what the block raised, and keeps the worker' do
      worker = pool.process { Thread.current }
      20.times { expect(error_of { pool.process { raise IOError } }).to be_a(IOError) }
      [NoMemoryError.new, SystemExit.new(3), NotImplementedError.new, Polyphony::Stop.new, Polyphony::Cancel.new].each do |error|
        expect(error_of { pool.process { raise error } }).to equal(error)
      end
      expect(pool.process { Thread.current }).to equal(worker)
    end

    it 'gives errors a backtrace that goes on with the caller, without frames of its own' do
      def self.who_asked = pool.process { Integer('x') }
      lines = error_of { who_asked }.backtrace
      expect(lines.index { |line| line.include?('Integer') }).to be < lines.index { |line| line.include?('who_asked') && !line.include?('block') }
      expect(lines.grep(%r{/lib/polyphony/})).to eq([])
      same = IOError.new
      sizes = Array.new(3) { error_of { pool.process { raise same } }.backtrace.size }
      expect(sizes.uniq.size).to eq(1)
      expect(error_of { pool.process { raise IOError.new.freeze } }).to be_a(IOError)
    end

    it 'does not take on what is being rescued' do
      raise ArgumentError
    rescue ArgumentError
      expect(error_of { pool.process { raise IOError } }.cause).to be_nil
    end

    it 'says so when a job ends its thread, and makes another for those who wait' do
      5.times { expect(error_of { pool.process { Thread.exit } }).to be_a(Polyphony::Error) }
      one = described_class.new(1)
      begun = Queue.new
      dying = spin { error_of { one.process { begun << 1; gate.pop; Thread.current.kill } } }
      begun.pop
      behind = Array.new(3) { |i| waiting { one.process { i } } }
      gate << 1
      expect([dying.await.class, *Polyphony::Fiber.await(*behind)]).to eq([Polyphony::Error, 0, 1, 2])
      wait_until { one.running.zero? && one.queued.zero? } # the thread itself notes it a little later
      one.stop
    end

    it 'may be used from one of its own jobs, and by its fibers' do
      small = described_class.new(1)
      expect(small.process { small.process { :nested } }).to eq(:nested)
      expect(error_of { small.process { small.process { raise IOError } } }).to be_a(IOError)
      expect(small.process { Polyphony.spin { small.process { :in_fiber } }.await }).to eq(:in_fiber)
      small.stop
    end

    it 'goes on with a job that runs when its fiber is stopped, and reports its error' do
      reported = Queue.new
      own = described_class.new(1, on_error: ->(error) { reported << error })
      done = Queue.new
      running(own) { |value| done << value }.stop
      gate << :still
      expect(done.pop).to eq(:still)
      job = running(own) { raise IOError, 'nobody waits' }
      job.stop
      gate << 1
      expect(reported.pop.message).to eq('nobody waits')
      own.stop
    end

    it 'withdraws a job that has not begun when its fiber is stopped, or cut' do
      jobs = Array.new(2) { running(pool) }
      stopped = waiting { pool.process { log << :stopped } }
      cut = waiting { move_on_after(nil, with_value: :cut) { |scope| log << scope; pool.process { log << :cut } } }
      behind = waiting { pool.process { log << :behind } }
      stopped.stop
      log.shift.cancel
      expect(cut.await).to eq(:cut)
      2.times { gate << 1 }
      [*jobs, behind].each(&:await)
      expect(log).to eq([:behind])
    end

    it 'is a point where a fiber can be stopped, before anything is begun' do
      fiber = waiting { Polyphony.shield { receive }; pool.process { log << :ran } }
      waiting { fiber.stop }
      fiber << 1
      fiber.await
      expect([log, pool.queued]).to eq([[], 0])
    end
  end

  describe 'cast' do
    it 'does not wait, and reports errors on $stderr' do
      done = Queue.new
      expect(pool.cast { done << 1 }).to equal(pool)
      expect(done.pop).to eq(1)
      expect { pool.cast { raise 'cast failed' }; pool.stop }.to output(/cast failed/).to_stderr
    end

    it 'reports errors to on_error:, once, and its own errors on $stderr' do
      errors = []
      own = described_class.new(1, on_error: ->(error) { errors << error; raise 'in the reporter' if errors.size == 2 })
      expect { own.cast { raise IOError }; own.cast { raise EOFError }; own.cast { log << :next }; own.stop }.to output(/in the reporter/).to_stderr
      expect([errors.map(&:class), log]).to eq([[IOError, EOFError], [:next]])
    end

    it 'reports a job that ended its thread' do
      expect { pool.cast { Thread.exit }; pool.stop }.to output(/ended its worker thread/).to_stderr
    end
  end

  describe 'queue_limit:' do
    it 'holds up who gives more, without losing a place to one who is stopped' do
      small = described_class.new(1, queue_limit: 2)
      job = running(small)
      2.times { |i| small.cast { log << i } }
      held = waiting { small.cast { log << :held } }
      gone = waiting { small.process { log << :gone } }
      last = waiting { small.process { log << :last } }
      expect([small.queued, held.waiting_on]).to match([2, /permit/])
      gone.stop
      gate << 1
      [job, held, last].each(&:await)
      small.stop
      expect(log).to eq([0, 1, :held, :last])
    end
  end

  describe 'stop' do
    it 'finishes what was given, and refuses more' do
      5.times { |i| pool.cast { log << i } }
      pool.stop
      expect([log.sort, pool.stopped?, pool.inspect]).to eq([[0, 1, 2, 3, 4], true, '#<Polyphony::ThreadPool "jobs" stopped>'])
      [-> { pool.process {} }, -> { pool.cast {} }].each { |call| expect(error_of(&call)).to be_a(Polyphony::Closed) }
      expect(pool.stop).to be_nil
    end

    it 'now: drops what no worker has begun' do
      jobs = Array.new(2) { running(pool) }
      queued = waiting { error_of { pool.process { log << :ran } } }
      stopper = spin { pool.stop(now: true) }
      expect(queued.await).to be_a(Polyphony::Closed)
      2.times { gate << :done }
      expect(Polyphony::Fiber.await(*jobs)).to eq(%i[done done])
      stopper.await
      expect(log).to be_empty
    end

    it 'waits interruptibly' do
      job = running(pool)
      stopper = waiting { pool.stop }
      stopper.stop
      gate << 1
      expect(job.await).to eq(1)
    end

    it 'ends its threads, which bear its name' do
      names = Polyphony::Fiber.await(*Array.new(2) { spin { pool.process { gate << 1; gate.pop; Thread.current.name } } })
      expect(names.uniq - ['jobs 1', 'jobs 2']).to eq([])
      threads = Thread.list.select { |thread| thread.name&.start_with?('jobs ') }
      expect(threads).not_to be_empty
      pool.stop
      expect(threads.map(&:alive?)).to all(be(false))
    end

    it 'may be called by a job, which does not wait for itself' do
      expect(pool.process { pool.stop; :ended }).to eq(:ended)
    end
  end

  describe 'a job' do
    it 'finds no fiber-local variables of another, nor leaves any' do
      small = described_class.new(1)
      Thread.current[:mine] = 1
      expect(small.process { [Thread.current[:mine], Thread.current[:other] = 2] }).to eq([nil, 2])
      expect(small.process { Thread.current[:other] }).to be_nil
      small.stop
    end

    it 'finds the storage of the fiber that gave it, and of no other', if: Fiber.respond_to?(:[]) do
      small = described_class.new(1)
      Fiber[:request] = 7
      expect(small.process { Fiber[:left] = 1; Fiber[:request] }).to eq(7)
      Fiber[:request] = nil
      expect(small.process { [Fiber[:request], Fiber[:left]] }).to eq([nil, nil])
      small.stop
    end

    it 'ends with the fibers that it spins; their errors are its own' do
      ends = Queue.new
      pool.process do
        Polyphony.spin { begin; ends << :began; Polyphony.suspend; ensure; ends << :ended; end }
        Polyphony::Scheduler.wait_all_blocked
      end
      expect(ends.pop).to eq(:began)
      expect(ends.pop).to eq(:ended)
      error = error_of { pool.process { Polyphony.spin { raise IOError, 'of a child' }; Polyphony.suspend } }
      expect(error.message).to eq('of a child')
      expect(pool.process { Fiber.scheduler }).to be_nil
    end
  end

  it 'can be used from a blocking thread, and from several' do
    threads = Array.new(4) { |i| Thread.new { pool.process { i } } }
    expect(threads.map(&:value)).to eq([0, 1, 2, 3])
  end

  it 'serves many fibers of several threads' do
    threads = Array.new(4) { Polyphony::Thread.new { Polyphony::Fiber.await(*Array.new(200) { |i| spin { pool.process { i } } }).sum } }
    expect(threads.map(&:value)).to eq([19_900] * 4)
  end

  it 'in a forked child starts threads of its own, and leaves the jobs of the parent alone' do
    jobs = Array.new(2) { running(pool) }
    parent = Process.pid
    queued = waiting { pool.process { Process.pid == parent ? :in_parent : exit!(9) } }
    pid = fork { exit!(pool.process { 7 }) }
    expect(Process::Status.wait(pid).exitstatus).to eq(7)
    2.times { gate << 1 }
    expect([queued.await, *jobs.map(&:await)]).to eq([:in_parent, 1, 1])
  end

  it 'has one for the process' do
    result = run_ruby(<<~RUBY)
      require 'polyphony'
      pool = Polyphony::ThreadPool.default
      p pool.equal?(Polyphony::ThreadPool.default), pool.process { Thread.current.name }
    RUBY
    expect([result.stdout, result.stderr]).to eq([%(true\n"polyphony 1"\n), ''])
  end

  it 'refuses wrong arguments' do
    [0, -1, 1.5, nil, '5'].each { |wrong| expect(error_of { described_class.new(wrong) }).to be_a(ArgumentError) }
    [0, -1, 1.5].each { |wrong| expect(error_of { described_class.new(1, queue_limit: wrong) }).to be_a(ArgumentError) }
    expect(error_of { described_class.new(1, on_error: 5) }).to be_a(TypeError)
    expect(error_of { pool.process }).to be_a(ArgumentError)
    expect(error_of { pool.cast }).to be_a(ArgumentError)
    expect([pool.size, pool.name, pool.busy?]).to eq([2, 'jobs', false])
  end
end
