# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Supervising fibers of other threads', :fibers do
  # A thread that spins what it is given, and goes on until it is told to end.
  class SpinningThread
    attr_reader :thread

    def initialize
      @jobs = Queue.new
      @fibers = Queue.new
      @thread = Polyphony::Thread.new do
        while (job = @jobs.pop)
          @fibers << Polyphony.spin(:remote, &job)
        end
      end
      @thread.report_on_exception = false
    end

    def spin(&job)
      @jobs << job
      @fibers.pop
    end

    def end
      @jobs << nil
      @thread.join
    end
  end

  let(:other) { SpinningThread.new }

  after { other.thread.kill.join }

  it 'restarts them on their own thread; their errors come here' do
    threads = Queue.new
    runs = 0
    fiber = other.spin do
      threads << Thread.current
      (runs += 1) < 3 ? Polyphony.receive.then { raise 'oops' } : :fine
    end
    boss = waiting { supervise(fiber, restart: :on_error) { |_, outcome| log << [Thread.current, outcome.to_s] } }
    wait_until { fiber.waiting_on == 'receive' }
    fiber << 1
    wait_until { runs == 2 && fiber.waiting_on == 'receive' }
    fiber << 2
    boss.await
    expect(fiber.await).to eq(:fine)
    expect(Array.new(threads.size) { threads.pop }).to eq([other.thread] * 3)
    expect(log).to eq([[Thread.current, 'oops'], [Thread.current, 'oops'], [Thread.current, 'fine']])
    expect(other.thread).to be_alive
    other.end
  end

  it 'restarts them together with fibers of this thread' do
    order = Queue.new
    remote = other.spin { order << :remote; Polyphony.receive }
    wait_until { remote.waiting_on == 'receive' }
    local = spin { order << :local; receive; raise 'oops' }
    boss = waiting { supervise(local, remote, restart: :on_error, strategy: :one_for_all) {} }
    wait_until { local.waiting_on == 'receive' }
    order.clear
    local << :fail
    wait_until { order.size == 2 }
    expect(Array.new(2) { order.pop }).to match_array(%i[local remote])
    boss.stop
    expect([local.alive?, remote.alive?]).to eq([false, false])
  end

  it 'waits for the backoff there' do
    fiber = other.spin { Polyphony.receive; raise 'oops' }
    boss = waiting { supervise(fiber, restart: :on_error, backoff: 60) {} }
    fiber << :fail
    wait_until { fiber.waiting_on&.include?('left') }
    fiber.stop(:enough)
    expect([boss.await, fiber.await]).to eq([nil, :enough])
  end

  it 'ends when their thread does' do
    fibers = Array.new(2) { other.spin { Polyphony.suspend } }
    boss = waiting { supervise(*fibers, restart: :always) {} }
    other.end
    expect(boss.await).to be_nil
  end

  it 'ends when their thread is killed' do
    fiber = other.spin { Polyphony.suspend }
    boss = waiting { supervise(fiber, restart: :always) {} }
    other.thread.kill.join
    expect(boss.await).to be_nil
    expect(fiber).not_to be_alive
  end

  it 'refuses to restart one that had ended before: only its thread could' do
    fiber = other.spin { :done }
    wait_until { !fiber.alive? }
    error = error_of { supervise(fiber, restart: :always) {} }
    expect([error.class, error.message]).to match([Polyphony::Error, /ended on another thread/])
    expect(supervise(fiber, restart: :on_error) { |_, result| log << result }).to be_nil
    expect(log).to eq([:done])
  end

  it 'supervises the main fiber of a thread, without restarts' do
    root = Queue.new
    thread = Polyphony::Thread.new { root << Polyphony.current; Polyphony.receive }
    fiber = root.pop
    boss = waiting { supervise(fiber) { |_, result| log << result } }
    fiber << :over
    boss.await
    expect([log, thread.value]).to eq([[:over], :over])
  end

  it 'keeps up with fibers of four threads that fail all the time' do
    threads = Array.new(4) { SpinningThread.new }
    counts = Hash.new(0)
    fibers = threads.flat_map do |thread|
      Array.new(5) do
        runs = 0
        thread.spin do
          runs.zero? ? Polyphony.receive : Polyphony.snooze
          (runs += 1) < 20 ? raise('oops') : runs
        end
      end
    end
    boss = waiting { supervise(fibers, restart: :on_error, max_restarts: nil) { |fiber, outcome| counts[fiber] += outcome == 20 ? 100 : 1 } }
    fibers.each { |fiber| fiber << :go }
    boss.await
    expect(fibers.map(&:await)).to eq([20] * 20)
    expect(counts.values).to eq([119] * 20)
  ensure
    threads&.each { |thread| thread.thread.kill.join }
  end
end
