# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe Polyphony::Semaphore, :fibers, :virtual_time do
  subject(:semaphore) { described_class.new(2) }

  it 'lets so many in at a time, first come, first served' do
    inside = most = 0
    fibers = Array.new(7) do |i|
      waiting do
        semaphore.acquire do
          most = [most, inside += 1].max
          log << i
          sleep 1
          inside -= 1
          i
        end
      end
    end
    expect(Polyphony::Fiber.await(*fibers)).to eq((0...7).to_a)
    expect([log, most, time, semaphore.available]).to eq([(0...7).to_a, 2, 4, 2])
  end

  it 'gives a permit back however its block ends' do
    expect(error_of { semaphore.acquire { raise IOError } }).to be_a(IOError)
    catch(:out) { semaphore.acquire { throw :out } }
    waiting { semaphore.acquire { suspend } }.stop
    move_on_after(1) { semaphore.acquire { suspend } }
    expect(semaphore.available).to eq(2)
  end

  it 'without a block leaves the release to the caller, to another fiber, to another thread' do
    2.times { expect(semaphore.acquire).to be(true) }
    waiter = waiting { semaphore.acquire; :got }
    Polyphony::Thread.new { semaphore.release }.join
    expect([waiter.await, semaphore.available]).to eq([:got, 0])
    spin { semaphore.release }.await
    expect([semaphore.try_acquire, semaphore.try_acquire]).to eq([true, false])
  end

  it 'loses no permit with one who is stopped, cut or cancelled while it waits, nor with one just woken' do
    2.times { semaphore.acquire }
    ends = [->(f) { f.stop; semaphore.release }, ->(f) { f.cancel(IOError); semaphore.release },
            ->(f) { semaphore.release; f.stop }, ->(f) { semaphore.release; f.cancel(IOError) }]
    ends.each do |finish|
      fiber = waiting { semaphore.acquire { suspend } }
      behind = waiting { semaphore.acquire { log << :behind } }
      finish.call(fiber)
      error_of { fiber.await }
      behind.await
      semaphore.acquire
    end
    expect(move_on_after(1, with_value: :cut) { semaphore.acquire }).to eq(:cut)
    expect([log, semaphore.waiting, semaphore.available]).to eq([[:behind] * 4, 0, 0])
  end

  it 'is not overtaken by one who comes when a permit has just got free' do
    2.times { semaphore.acquire }
    fiber = waiting { semaphore.acquire; :fair }
    semaphore.release
    expect(semaphore.try_acquire).to be(false)
    expect(error_of { semaphore.acquire(timeout: 0) }).to be_a(Polyphony::TimeoutError)
    expect(fiber.await).to eq(:fair)
  end

  it 'raises TimeoutError when none is free in time' do
    semaphore.acquire(timeout: 0)
    semaphore.acquire(timeout: 0)
    [0, 3].each { |timeout| expect(error_of { semaphore.acquire(timeout: timeout) }).to be_a(Polyphony::TimeoutError) }
    after(2) { semaphore.release }
    expect([semaphore.acquire(timeout: 3) { :got }, time, semaphore.waiting]).to eq([:got, 5, 0])
  end

  it 'can always be stopped there, also when a permit is free' do
    fiber = waiting { Polyphony.shield { receive }; semaphore.acquire; log << :got }
    waiting { fiber.stop }
    fiber << 1
    fiber.await
    expect([log, semaphore.available]).to eq([[], 2])
  end

  it 'counts what happened, with max: nil' do
    counter = described_class.new(0, max: nil)
    3.times { counter.release }
    3.times { counter.acquire }
    expect([counter.available, counter.try_acquire, counter.max]).to eq([0, false, nil])
  end

  it 'says so when it is used wrongly' do
    expect(error_of { semaphore.release }).to be_a(Polyphony::Error)
    [-1, 1.5, nil, '3', 0].each { |wrong| expect(error_of { described_class.new(wrong) }).to be_a(ArgumentError) }
    expect(error_of { described_class.new(3, max: 2) }).to be_a(ArgumentError)
    expect(error_of { semaphore.acquire(timeout: -1) }).to be_a(ArgumentError)
    expect(error_of { semaphore.acquire(timeout: 'x') }).to be_a(TypeError)
    expect([semaphore.available, semaphore.waiting, semaphore.max]).to eq([2, 0, 2])
  end

  it 'shows itself, and in what waits for it' do
    2.times { semaphore.acquire }
    fiber = waiting { semaphore.acquire }
    expect(semaphore.inspect).to eq('#<Polyphony::Semaphore available=0/2 waiting=1>')
    expect(fiber.waiting_on).to start_with('permit of #<Polyphony::Semaphore')
    fiber.stop
  end
end

RSpec.describe Polyphony::Semaphore, :fibers do
  it 'counts right across threads, fibers of which are stopped meanwhile' do
    semaphore = described_class.new(3)
    inside = Queue.new
    threads = Array.new(4) do
      Polyphony::Thread.new do
        most = 0
        fibers = Array.new(20) do |i|
          spin do
            100.times do
              semaphore.acquire do
                inside << 1
                most = [most, inside.size].max
                i.even? ? snooze : Thread.pass
                inside.pop
              end
            end
          end
        end
        stopped = waiting { loop { semaphore.acquire { suspend } } }
        stopped.stop
        Polyphony::Fiber.await(*fibers)
        most
      end
    end
    expect(threads.map(&:value).max).to be_between(1, 3)
    expect([semaphore.available, semaphore.waiting]).to eq([3, 0])
  end

  it 'works from a plain thread' do
    semaphore = described_class.new(1)
    semaphore.acquire
    thread = Thread.new { semaphore.acquire { :got } }
    wait_until { semaphore.waiting == 1 }
    semaphore.release
    expect(thread.value).to eq(:got)
  end

  it 'in a forked child has none of the fibers in line' do
    semaphore = described_class.new(1)
    semaphore.acquire
    waiter = waiting { semaphore.acquire { :got } }
    pid = fork do
      semaphore.release
      exit!(semaphore.acquire(timeout: 20) { 7 })
    end
    expect(Process::Status.wait(pid).exitstatus).to eq(7)
    semaphore.release
    expect(waiter.await).to eq(:got)
  end
end
