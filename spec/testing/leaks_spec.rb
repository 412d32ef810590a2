# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/testing'
require 'socket'

RSpec.describe 'Polyphony::Testing.assert_no_leaks' do
  def assert_no_leaks(...)
    Polyphony::Testing.assert_no_leaks(...)
  end

  # @return [Array<Polyphony::Testing::Leaks::Leak>]
  def leaks(**options, &block)
    assert_no_leaks(grace: 0, **options, &block)
    []
  rescue Polyphony::Testing::LeakError => e
    e.leaks
  end

  it 'gives the value of a block that leaves nothing' do
    value = assert_no_leaks do
      Polyphony.run do
        Polyphony.spin { sleep }
        IO.pipe.each(&:close)
        Thread.new { nil }.join
        Process.wait(Process.spawn('true'))
        :value
      end
    end
    expect(value).to eq(:value)
  end

  it 'names a fiber, what it waits for, and where it was spun', :fibers do
    fiber = nil
    found = leaks { fiber = waiting(:worker) { suspend } }
    expect(found.map(&:to_s)).to eq(["fiber :worker waiting on #{fiber.waiting_on} (spun at #{fiber.location})"])
    expect(found.map(&:kind)).to eq([:fibers])
  end

  it 'names a fiber of Fiber.schedule', :fibers do
    queue = Queue.new
    found = leaks { Fiber.schedule { queue.pop } }
    expect(found.map(&:to_s)).to match([/\Afiber #<Fiber:.*Queue/])
  ensure
    queue.push(1)
  end

  it 'names a descriptor: what it is, and, when asked to, where it was opened' do
    server = nil
    line = __LINE__ + 1
    found = leaks(trace: true) { server = TCPServer.new('127.0.0.1', 0) }
    expect(found.map(&:to_s)).to match(
      [/\Adescriptor #{server.fileno} #<TCPServer:.*127.0.0.1, #{server.addr[1]}> socket:\[\d+\] \(opened at #{__FILE__}:#{line}\)\z/]
    )
    expect(leaks { @file = File.open(__FILE__) }.map(&:to_s)).to match([/#<File:#{__FILE__}> #{__FILE__}\z/])
  ensure
    [server, @file].each(&:close)
  end

  it 'tells a descriptor from another that had its number before' do
    old = File.open(__FILE__)
    found = leaks { old.close || @new = File.open(File::NULL) }
    expect(found.map(&:what)).to match([%r{/dev/null}])
  ensure
    @new.close
  end

  it 'names a thread' do
    thread = nil
    expect(leaks { thread = Thread.new { sleep } }.map(&:to_s)).to match([/\Athread #<.*#{__FILE__}:#{__LINE__}/])
  ensure
    thread.kill.join
  end

  it 'names child processes: those that run, and those that nobody waited for' do
    pids = []
    found = leaks do
      pids << Process.spawn('sleep', '60') << Process.spawn('true')
      Thread.pass until File.read("/proc/#{pids[1]}/stat").include?(') Z') && File.read("/proc/#{pids[0]}/cmdline").include?('60')
    end
    expect(found.map(&:to_s)).to eq(["process #{pids[0]} runs sleep 60", "process #{pids[1]} has ended and was not waited for"])
  ensure
    Process.kill(:KILL, pids[0])
    pids.each { |pid| Process.wait(pid) }
  end

  it 'lists all of them in the message' do
    error = error_of { assert_no_leaks(grace: 0) { (@thread = Thread.new { sleep }) && @file = File.open(__FILE__) } }
    expect(error.message).to match(/\Athese were left behind:\n  descriptor .*\n  thread .*\z/)
    expect(error).to be_a(Polyphony::Error)
  ensure
    @file.close
    @thread.kill.join
  end

  it 'gives what is about to end some time', :fibers do
    release = Queue.new
    assert_no_leaks { Thread.new { release.pop } && spin { 100.times { snooze } && release.push(1) } }
  end

  it 'does not let the virtual clock jump meanwhile', :fibers do
    Polyphony::Testing.virtual_clock do |clock|
      expect(leaks(grace: 0.01) { waiting { sleep 3600 } }.size).to eq(1)
      expect(clock.now).to eq(0.0)
    end
  end

  it 'leaves out kinds that it is told to' do
    expect(leaks(ignore: :threads) { @thread = Thread.new { sleep } }).to eq([])
    expect(leaks(ignore: %i[threads descriptors]) { @file = File.open(__FILE__) }).to eq([])
    expect { leaks(ignore: :sockets) {} }.to raise_error(ArgumentError, /no such kind: \[:sockets\].*:descriptors/)
  ensure
    @thread.kill.join
    @file.close
  end

  it 'lets an error of the block go first' do
    expect { assert_no_leaks { (@file = File.open(__FILE__)) && raise(IndexError) } }.to raise_error(IndexError)
  ensure
    @file.close
  end

  it 'compares by hand, too' do
    before = Polyphony::Testing::Leaks.snapshot
    expect(Polyphony::Testing::Leaks.compare(before)).to eq([])
    file = File.open(__FILE__)
    expect(Polyphony::Testing::Leaks.compare(before, grace: 0).map(&:kind)).to eq([:descriptors])
  ensure
    file.close
  end
end
