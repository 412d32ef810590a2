# frozen_string_literal: true

require 'logger'
require 'stringio'
require_relative '../support/fibers'

RSpec.describe 'Polyphony.watchdog', :fibers do
  after { Polyphony.watchdog(nil) }

  # Computes, without a wait, until the block is true.
  def hold_until
    nil until yield
  end

  def hold(seconds)
    till = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    hold_until { Process.clock_gettime(Process::CLOCK_MONOTONIC) >= till }
  end

  def reports
    @reports ||= []
  end

  def watch(threshold = 0.02, **options)
    Polyphony.watchdog(threshold, every: 0, **options) { |report| reports << report }
  end

  # Other fibers of a loaded machine may be slow, too.
  def of(tag)
    reports.select { |report| report.fiber.tag == tag }
  end

  def here(line)
    "#{__FILE__.delete_prefix("#{Dir.pwd}/")}:#{line}"
  end

  it 'names the fiber that held the loop, for how long, and the wait that ended it' do
    watch(sample: false)
    spun = __LINE__ + 1
    spin(:hog) do
      hold(0.03)
      sleep 0
    end.await
    report = of(:hog).first
    expect(of(:hog).size).to eq(1)
    expect(report).to have_attributes(still?: false, seconds: be >= 0.03, omitted: 0, backtrace: [])
    expect(report.wait).to match(/\A#{Regexp.escape(__FILE__)}:#{spun + 2}:in .*sleep/)
    expect(report.to_s).to match(/\Awatchdog: hog #{Regexp.escape(here(spun))} held the loop for 0\.\d{3} s, until its wait at #{Regexp.escape(here(spun + 2))}:in/)
  end

  it 'names one that ended without a wait' do
    watch(sample: false)
    spin(:hog) { hold(0.03) }.await
    expect(of(:hog).map { |report| [report.wait, report.to_s[/, until.*/]] }).to eq([[nil, ', until its end']])
  end

  it 'is silent about those that wait in time, and about time in which nothing runs' do
    watch(10)
    spin(:quick) { 3.times { snooze } }.await
    spin(:sleeper) { sleep 0.05 }.await
    expect(reports).to be_empty
    Polyphony.watchdog(0.03, every: 0) { |report| reports << report }
    spin(:sleeper) { sleep 0.1 }.await
    expect(of(:sleeper)).to be_empty
  end

  it 'tells where the fiber was meanwhile' do
    watch
    spun = __LINE__ + 1
    spin(:hog) { sampled { hold_until { sampler.instance_variable_get(:@sample) } } }.await
    report = of(:hog).first
    expect(report.still?).to be(false)
    expect(report.backtrace.join("\n")).to include("#{__FILE__}:#{spun}:in")
    expect(report.backtrace.grep(%r{lib/polyphony/})).to eq([])
    expect(report.to_s).to match(/held the loop for \S+ s at #{Regexp.escape(here(0)[/.*:/])}\d+:in .* < /)
  end

  def sampled
    yield
  end

  def sampler
    Polyphony::Scheduler.current.instance_variable_get(:@watchdog).instance_variable_get(:@sampler)
  end

  it 'tells of an endless loop while it lasts, with the line, and of its end' do
    watch
    line = __LINE__ + 1
    spin(:endless) { hold_until { of(:endless).size >= 2 } }.await
    still, later, over = of(:endless)
    expect(still).to have_attributes(still?: true, wait: nil, seconds: be >= 1.0)
    expect(still.backtrace.join("\n")).to include("#{__FILE__}:#{line}:in")
    expect(still.to_s).to match(/\Awatchdog: endless #{Regexp.escape(here(line))} has held the loop for \S+ s at \S+/)
    expect(later).to have_attributes(still?: true, seconds: be >= still.seconds * 2)
    expect(over).to have_attributes(still?: false, seconds: be > later.seconds)
    expect(of(:endless).size).to eq(3)
  end

  it 'tells the exact time of what it has reported before its end, however soon after' do
    Polyphony.watchdog(0.5, every: 1000) { |report| reports << report }
    spin(:endless) { hold_until { of(:endless).any? } }.await
    expect(of(:endless).map(&:still?)).to eq([true, false])
  end

  it 'makes no more reports than one in the time given, and counts the rest' do
    Polyphony.watchdog(0.002, every: 1000, sample: false) { |report| reports << report }
    3.times { spin(:hog) { hold(0.003) }.await }
    expect(reports.size).to eq(1)
    outlet = Polyphony::Scheduler.current.instance_variable_get(:@watchdog).instance_variable_get(:@outlet)
    outlet.instance_variable_set(:@last, nil)
    spin(:hog) { hold(0.003) }.await
    expect(reports.size).to eq(2)
    expect(reports.last.omitted).to be >= 2
    expect(reports.last.to_s).to match(/, \(and \d+ more since the last report\)\z/)
  end

  it 'writes to an IO' do
    io = StringIO.new
    Polyphony.watchdog(0.02, io: io, sample: false)
    spin(:hog) { hold(0.03) }.await
    expect(io.string).to match(/\Awatchdog: hog .* held the loop for .*, until its end\n/)
  end

  it 'warns through a logger' do
    io = StringIO.new
    Polyphony.watchdog(0.02, io: Logger.new(io), sample: false)
    spin(:hog) { hold(0.03) }.await
    expect(io.string).to match(/WARN.*watchdog: hog /)
  end

  it 'watches a block, gives its value, and ends however that ends' do
    watchdog = watch(sample: false)
    expect(watchdog.during { spin(:hog) { hold(0.03) }.await; 7 }).to eq(7)
    expect(of(:hog).size).to eq(1)
    expect(watchdog.on?).to be(false)
    spin(:hog) { hold(0.03) }.await
    expect(of(:hog).size).to eq(1)
    error_of { (@other = watch).during { raise 'x' } }
    expect(@other.on?).to be(false)
  end

  it 'is off with nil, and leaves nothing behind' do
    watchdog = watch
    thread = sampler.instance_variable_get(:@thread)
    expect(Polyphony.watchdog(nil)).to be_nil
    thread.join
    expect([watchdog.on?, Polyphony::Scheduler.current.instance_variable_get(:@watchdog)]).to eq([false, nil])
    spin(:hog) { hold(0.03) }.await
    expect(reports).to be_empty
  end

  it 'is replaced by a second one' do
    first = watch
    second = watch(10)
    expect([first.on?, second.on?]).to eq([false, true])
  end

  it 'ends with the first error of its block, which is raised in main' do
    Polyphony.watchdog(0.02, every: 0, sample: false) { |report| log << report; raise 'block' }
    expect(error_of { spin(:hog) { hold(0.03); snooze }.await; snooze; sleep 0 }).to have_attributes(message: 'block')
    spin(:hog) { hold(0.03) }.await
    expect(log.size).to eq(1)
  end

  it 'raises in main the error of its block about a fiber that has not come to a wait' do
    Polyphony.watchdog(0.02, every: 0) { |report| log << report; raise 'block' if report.still? }
    expect(error_of { spin(:endless) { hold_until { log.any? } }.await; sleep }).to have_attributes(message: 'block')
  end

  it 'ends with its thread' do
    sampling = Polyphony::Thread.new do
      Polyphony.watchdog(0.02)
      Polyphony::Scheduler.current.instance_variable_get(:@watchdog).instance_variable_get(:@sampler).instance_variable_get(:@thread)
    end.value
    expect(sampling.join).to equal(sampling)
  end

  it 'is ended in its own thread only' do
    watchdog = watch
    expect(Thread.new { error_of { watchdog.stop } }.value).to be_a(Polyphony::Error)
    expect(watchdog.on?).to be(true)
  end

  it 'does not hide a deadlock' do
    out, err, status = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        Polyphony.watchdog(0.05)
        Queue.new.pop
      rescue Polyphony::Deadlock => e
        puts e.class
      end
    RUBY
    expect([out, err, status.exitstatus]).to eq(["Polyphony::Deadlock\n", '', 0])
  end

  it 'goes on in a forked child' do
    reader, writer = IO.pipe
    watch(sample: true)
    child = fork do
      reader.close
      reports.clear
      spin(:hog) { hold(0.03) }.await
      writer << of(:hog).size
      exit!
    end
    writer.close
    expect(reader.read).to eq('1')
    Process.wait(child)
  end

  it 'refuses what makes no sense' do
    expect { Polyphony.watchdog(0) }.to raise_error(ArgumentError, /positive/)
    expect { Polyphony.watchdog('1') }.to raise_error(TypeError)
    expect { Polyphony.watchdog(1, every: -1) }.to raise_error(ArgumentError, /every/)
    expect { Polyphony.watchdog(1, io: 5) }.to raise_error(TypeError, /write/)
    expect(Polyphony::Scheduler.current.instance_variable_get(:@watchdog)).to be_nil
  end

  it 'shows itself' do
    expect(watch(10).inspect).to eq('#<Polyphony::Watchdog on 10 s, 0 reports>')
  end
end
