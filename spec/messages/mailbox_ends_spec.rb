# frozen_string_literal: true

require_relative '../support/fibers'
require_relative '../support/run_ruby'
require 'polyphony/thread'

# Messages where something else happens at the same moment, and between threads.
RSpec.describe 'messages', :fibers do
  let!(:me) { Polyphony.current }

  it 'are not lost by a receive that is interrupted, whatever comes first' do
    [%i[send cut], %i[cut send]].each do |order|
      got = []
      fiber = waiting do
        2.times { got << receive rescue got << :cut }
      end
      steps = { send: -> { fiber << :message }, cut: -> { fiber.raise(IOError) } }
      order.each { |step| steps[step].call }
      fiber << :last if got.size < 2
      fiber.await
      expect(got & %i[message]).to eq([:message])
    end
  end

  it 'stay in the mailbox when a time limit ends the wait for them' do
    expect(move_on_after(0.001) { receive }).to be_nil
    me << 1
    expect(receive(timeout: 0)).to eq(1)
  end

  it 'are not received by who is stopped at that point, even if they are there' do
    fiber = spin do
      me << :ready
      begin
        suspend
      ensure
        log << Polyphony.receive_pending
      end
    end
    receive
    fiber << 1
    fiber.stop
    expect(log).to eq([[1]])
  end

  it 'that were sent before a restart are dropped; those sent after it are for the new run' do
    runs = 0
    fiber = waiting { (runs += 1) == 1 ? suspend : (me << receive) }
    fiber << :old
    fiber.restart
    fiber << :new
    expect(receive).to eq(:new)
    fiber.await
    expect(runs).to eq(2)
  end

  it 'come in while the ensure blocks of a restarting fiber run' do
    runs = 0
    gate = waiting { suspend }
    fiber = waiting do
      (runs += 1) == 1 ? suspend : (me << receive)
    ensure
      gate.await rescue nil
    end
    fiber.restart
    2.times { snooze }
    fiber << :meanwhile
    gate.stop
    expect(receive).to eq(:meanwhile)
    fiber.await
  end

  it 'are counted' do
    me << 1 << 2
    expect([me.mailbox_size, receive, me.mailbox_size]).to eq([2, 1, 1])
    expect(waiting { suspend }.mailbox_size).to eq(0)
    Polyphony.receive_pending
  end

  it 'reach fibers of Fiber.schedule and of plain threads' do
    handle = nil
    Fiber.schedule { handle = Polyphony.current; me << [:scheduled, receive] }
    wait_until { handle }
    handle << 1
    expect(receive).to eq([:scheduled, 1])
    thread = Thread.new { me << Polyphony.current; Polyphony.receive(timeout: 30) }
    receive << 2
    expect(thread.value).to eq(2)
  end

  it 'go round through fibers of several threads, each with its own scheduler' do
    ring = Array.new(4) do |i|
      Polyphony::Thread.new { me << [i, Polyphony.current]; to = Polyphony.receive; 300.times { to << Polyphony.receive + 1 } }
    end
    handles = Array.new(4) { receive }.sort_by(&:first).map(&:last)
    handles.each_with_index { |handle, i| handle << (handles[i + 1] || me) }
    total = 0
    300.times { handles.first << 0; total += receive }
    ring.each(&:join)
    expect(total).to eq(1200)
  end

  it 'are not lost when a fiber waits, times out and waits again while threads send' do
    threads = Array.new(3) { |t| Thread.new { 300.times { |n| me << [t, n]; Thread.pass if (n % 7).zero? } } }
    got = []
    until got.size == 900
      begin
        got << receive(timeout: 0.0001)
      rescue Polyphony::TimeoutError
        snooze
      end
    end
    threads.each(&:join)
    3.times { |t| expect(got.filter_map { |thread, n| n if thread == t }).to eq((0...300).to_a) }
  end

  it 'are sent by signal handlers, also while every fiber waits' do
    out, err, status = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        me = Polyphony.current
        count = 0
        trap(:USR1) { me << (count += 1) }
        peer = Polyphony.spin { Polyphony.receive_loop { |n| me << [:peer, n] } }
        other = Thread.new { 100.times { Process.kill(:USR1, Process.pid); Thread.pass until Thread.current[:go]; Thread.current[:go] = nil } }
        got = Array.new(100) { n = Polyphony.receive; peer << n; Polyphony.receive; other[:go] = true; n }
        p got == (1..100).to_a
        me.mailbox_limit = 1
        trap(:USR1) { begin; me << 1; me << 2; rescue Polyphony::Error => e; puts e.class; end }
        Process.kill(:USR1, Process.pid)
        p Polyphony.receive
      end
    RUBY
    expect([out, err, status.exitstatus]).to eq(["true\nPolyphony::Error\n1\n", '', 0])
  end
end
