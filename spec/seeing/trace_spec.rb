# frozen_string_literal: true

require 'socket'
require 'stringio'
require_relative '../support/fibers'

RSpec.describe 'Polyphony.trace', :fibers do
  let(:scheduler) { Polyphony::Scheduler.current }

  after { scheduler.trace = nil }

  def events_of(**options)
    events = []
    Polyphony.trace(**options) { |event| events << event }.during { yield }
    events
  end

  it 'tells of the life of a fiber, in order' do
    fiber = nil
    events = events_of { (fiber = spin(:traced) {}).await }
    mine = events.select { |event| event.fiber.equal?(fiber) }
    expect(mine.map(&:name)).to eq(%i[spin run end])
    expect(mine.map(&:tag)).to eq(%i[traced] * 3)
    expect(events.map(&:time)).to eq(events.map(&:time).sort)
  end

  it 'tells what is waited for, and how long the thread slept' do
    events = events_of { sleep 0.001 }
    expect(events.map(&:name)).to include(:wait, :poll, :run)
    expect(events.find { |event| event.name == :wait }.detail).to start_with('sleep')
    expect(events.find { |event| event.name == :poll }).to have_attributes(fiber: nil, tag: nil, detail: Float)
  end

  it 'has only events of the names asked for' do
    events = events_of(only: %i[spin end]) { spin { snooze }.await }
    expect(events.map(&:name)).to eq(%i[spin end])
    expect(events_of(only: :run) { snooze; spin {}.await }.map(&:name).uniq).to eq([:run])
  end

  it 'has only events of the fibers asked for: by handle, by tag, by what matches tags' do
    traced = lambda do |wanted|
      fibers = [spin(:a) { receive }, spin('b1') { receive }]
      events = events_of(only: :end, fiber: wanted == :handle ? fibers.first : wanted) { fibers.each { |one| one << 1 }; supervise }
      events.map(&:tag).sort_by(&:to_s)
    end
    expect([traced[:handle], traced[:a], traced[/b/], traced[[:a, 'b1']], traced[:none]])
      .to eq([[:a], [:a], ['b1'], [:a, 'b1'], []])
  end

  it 'writes a line for each to io' do
    io = StringIO.new
    line = __LINE__ + 1
    Polyphony.trace(io: io, fiber: :written).during { spin(:written) { snooze }.await }
    place = "#{__FILE__.delete_prefix("#{Dir.pwd}/")}:#{line}"
    expect(io.string.lines.map(&:chomp)).to match(
      %w[spin run wait run end].map { |name| /\Atrace \d+\.\d{6} #{name} written #{Regexp.escape(place)}#{': ready' if name == 'wait'}\z/ }
    )
  end

  it 'has events of fibers that were not spun' do
    events = events_of(only: %i[spin end]) { fiber = Fiber.schedule { snooze }; Polyphony::Scheduler.wait_all_blocked; log << fiber }
    expect(events.map(&:fiber)).to eq(log * 2)
    expect(events.first.to_s).to match(/\Atrace \S+ spin #<Fiber:0x/)
  end

  it 'gives what the block of during gives, and ends however that ends' do
    trace = Polyphony.trace { |event| log << event }
    expect([trace.on?, trace.during { 5 }, trace.on?]).to eq([true, 5, false])
    other = Polyphony.trace { |event| log << event }
    error_of { other.during { raise 'x' } }
    expect([other.on?, scheduler.trace]).to eq([false, nil])
    log.clear
    snooze
    expect(log).to be_empty
  end

  it 'can be ended by its own block' do
    trace = Polyphony.trace { trace.stop }
    3.times { spin {}.await }
    expect(trace).to have_attributes(count: 1, on?: false)
  end

  it 'can be ended twice, and after its thread' do
    trace = Polyphony.trace {}
    2.times { trace.stop }
    late = Polyphony::Thread.new { Polyphony.trace {} }.value
    expect { late.stop }.to raise_error(Polyphony::Error, /thread/)
  end

  it 'is one of several that do not know of each other' do
    first = Polyphony.trace(only: :spin) { log << 1 }
    second = Polyphony.trace(only: :spin) { log << 2 }
    spin {}.await
    first.stop
    spin {}.await
    second.stop
    spin {}.await
    expect(log).to eq([1, 2, 2])
    expect(scheduler.trace).to be_nil
  end

  it 'leaves a tracer set by hand where it is' do
    scheduler.trace = ->(name, *) { log << name if name == :spin }
    Polyphony.trace { |event| log << event.name if event.name == :end }.during { spin {}.await }
    expect(log).to eq(%i[spin end])
  end

  it 'ends with the first error of its block, which is raised in main, and leaves others alone' do
    other = Polyphony.trace(only: :end) { log << :other }
    trace = Polyphony.trace { raise 'tracer' }
    expect(error_of { spin(:quiet) {}.await; snooze }).to have_attributes(message: 'tracer')
    spin {}.await
    expect(trace).to have_attributes(on?: false, count: 1, error: RuntimeError)
    expect(log).not_to be_empty
    other.stop
  end

  it 'traces nothing of what its block does' do
    trace = Polyphony.trace(only: :spin) { log << spin {} }
    spin {}.await
    trace.stop
    supervise
    expect(log.size).to eq(1)
  end

  it 'ends when its block waits, and says so in main' do
    trace = Polyphony.trace { |event| log << event; snooze }
    expect(error_of { spin {}.await; snooze }).to be_a(FiberError).and have_attributes(message: /cannot wait/)
    expect([trace.on?, log.size]).to eq([false, 1])
  end

  it 'writes to a full pipe as well, which another thread empties' do
    reader, writer = UNIXSocket.pair
    writer.write_nonblock('x' * 8192) while true rescue IO::WaitWritable # rubocop:disable Style/RescueModifier
    stuck = Thread.current
    emptied = Thread.new { Thread.pass until stuck.status == 'sleep'; wait_for_line(reader) }
    Polyphony.trace(io: writer, only: :end).during { spin(:traced) {}.await }
    expect(emptied.value).to match(/trace \S+ end traced/)
  ensure
    [reader, writer].each(&:close)
  end

  it 'writes to what another thread has locked just now' do
    lock = Mutex.new
    locked = Queue.new
    stuck = Thread.current
    writes = false
    holder = Thread.new { lock.synchronize { locked << 1; Thread.pass until writes && stuck.status == 'sleep' } }
    locked.pop
    io = Object.new
    io.define_singleton_method(:write) { |text| writes = true; lock.synchronize { @text = text } }
    Polyphony.trace(io: io, only: :end).during { spin(:traced) {}.await }
    holder.join
    expect(io.instance_variable_get(:@text)).to match(/ end traced /)
  end

  def wait_for_line(reader)
    text = +''
    text << reader.readpartial(8192) until text.include?("\n")
    text[/x?(trace .*)/, 1]
  end

  it 'is of the running thread only' do
    trace = Polyphony.trace(fiber: :elsewhere) { |event| log << event }
    Polyphony::Thread.new { Polyphony.spin(:elsewhere) {}.await }.join
    expect(log).to be_empty
    trace.stop
  end

  it 'refuses what makes no sense' do
    expect { Polyphony.trace }.to raise_error(ArgumentError, /block|io/)
    expect { Polyphony.trace(io: StringIO.new) {} }.to raise_error(ArgumentError, /io/)
    expect { Polyphony.trace(only: :sping) {} }.to raise_error(ArgumentError, /no such event: :sping; there are :spin/)
    expect { Polyphony.trace(io: 5) }.to raise_error(TypeError, /write/)
  end

  it 'shows itself' do
    trace = Polyphony.trace {}
    expect(trace.inspect).to eq('#<Polyphony::Trace on 0 events>')
    trace.stop
    expect(trace.inspect).to eq('#<Polyphony::Trace off 0 events>')
    expect(events_of { snooze }.first.inspect).to match(/\A#<Polyphony::Trace::Event trace \d/)
  end
end
