# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony.stats', :fibers do
  # Lets all other fibers run until they wait.
  def settle
    Polyphony::Scheduler.wait_all_blocked
  end

  it 'has the documented keys' do
    text = File.read(File.join(ROOT, 'lib/polyphony/stats.rb'))
    expect(Polyphony.stats.keys).to match_array(text.scan(/^  # \| `:(\w+)` \|/).flatten.map(&:to_sym))
  end

  it 'counts fibers that there are and that there were' do
    before = Polyphony.stats
    fibers = Array.new(3) { spin { receive } }
    new = Polyphony.stats
    settle
    started = Polyphony.stats
    fibers.each { |fiber| fiber << 1 }
    supervise
    after = Polyphony.stats
    figures = [before, new, started, after].map { |stats| stats.values_at(:fibers, :ready, :waiting, :spawned) }
    base = before.values_at(:fibers, :ready, :waiting, :spawned)
    expect(figures.map { |one| one.zip(base).map { |now, then_| now - then_ } })
      .to eq([[0, 0, 0, 0], [3, 3, 0, 3], [3, 0, 3, 3], [0, 0, 0, 3]])
    expect(after[:switches]).to be > before[:switches]
  end

  it 'counts messages that wait to be received' do
    fiber = waiting { receive { |message| message == :go } }
    fiber << 1 << 2
    settle
    expect(Polyphony.stats[:messages]).to eq(2)
    fiber << :go
    fiber.await
    expect(Polyphony.stats[:messages]).to eq(0)
  end

  it 'counts looks at the operating system, and those that slept' do
    before = Polyphony.stats
    sleep 0.001
    slept = Polyphony.stats
    expect(slept[:waits]).to be > before[:waits]
    spin(:snoozing) { 1000.times { snooze } }
    1000.times { snooze }
    busy = Polyphony.stats
    expect(busy[:polls]).to be > slept[:polls]
    expect(busy[:waits]).to eq(slept[:waits])
  end

  it 'tells the longest time that a fiber kept the others from running' do
    expect(Polyphony.stats[:longest_run]).to be_a(Float)
    till = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 0.05
    nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < till
    sleep 0.001
    expect(Polyphony.stats[:longest_run]).to be >= 0.03
  end

  it 'is of all threads when asked, by thread' do
    queue = Queue.new
    thread = Polyphony::Thread.new { Array.new(2) { Polyphony.spin { Polyphony.receive } }; Polyphony::Scheduler.wait_all_blocked; queue << 1; Polyphony.suspend }
    queue.pop
    all = Polyphony.stats(:all)
    expect(all.keys).to include(Thread.current, thread)
    expect(all[thread]).to include(fibers: 3)
    expect(all[Thread.current].keys).to eq(Polyphony.stats.keys)
  ensure
    thread&.stop
  end

  it 'is empty for a thread without a scheduler, and installs none' do
    expect(Thread.new { [Polyphony.stats, Fiber.scheduler] }.value).to eq([{}, nil])
  end

  it 'refuses what it does not know' do
    expect { Polyphony.stats(:some) }.to raise_error(ArgumentError, /:all/)
  end
end
