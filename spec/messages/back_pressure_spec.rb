# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/thread'

# A fiber with a mailbox_limit: senders wait for room, in the order they came.
RSpec.describe 'a mailbox with a limit', :fibers do
  let!(:me) { Polyphony.current }

  def sender(message, to: me)
    waiting { to << message; log << message }
  end

  it 'lets senders in, in the order they came' do
    me.mailbox_limit = 1
    me << 0
    senders = [1, 2, 3].map { |n| sender(n) }
    expect(senders.map(&:waiting_on)).to all(start_with('send to #<Polyphony::Fiber :main'))
    expect(Array.new(4) { receive }).to eq([0, 1, 2, 3])
    senders.each(&:await)
    expect(log).to eq([1, 2, 3])
  end

  it 'lets nobody in who comes when there is room but others wait' do
    me.mailbox_limit = 1
    me << 0
    late = waiting { receive; me << :late }
    sender(:early)
    late << :go
    expect([receive, receive, receive]).to eq([0, :early, :late])
  end

  it 'holds no more than its limit, whatever threads send' do
    me.mailbox_limit = 3
    threads = Array.new(4) { |t| Polyphony::Thread.new { 300.times { |n| me << [t, n] } } }
    most = 0
    got = Array.new(1200) { most = [most, me.mailbox_size].max; receive }
    threads.each(&:join)
    expect(most).to be_between(1, 3)
    4.times { |t| expect(got.filter_map { |thread, n| n if thread == t }).to eq((0...300).to_a) }
  end

  it 'has a root fiber of a plain thread wait, too' do
    me.mailbox_limit = 1
    me << 0
    thread = Thread.new { me << 1; :sent }
    expect([receive, receive, thread.value]).to eq([0, 1, :sent])
  end

  it 'gets nothing from a sender that is stopped while it waits, and goes on with the next' do
    me.mailbox_limit = 1
    me << 0
    one, two = sender(1), sender(2)
    one.stop
    expect([receive, receive]).to eq([0, 2])
    two.await
    expect(error_of { receive(timeout: 0) }).to be_a(Polyphony::TimeoutError)
    expect(log).to eq([2])
  end

  it 'gets a message if and only if send returned, when room and an interruption come together' do
    [%i[take cut], %i[cut take]].each do |order|
      me.mailbox_limit = 1
      me << 0
      sent = nil
      one = waiting do
        me << 1
        sent = true
        suspend
      rescue IOError
        sent ||= false
      end
      two = waiting { me << 2 }
      steps = { take: -> { receive }, cut: -> { one.raise(IOError) } }
      order.each { |step| steps[step].call }
      wait_until { !sent.nil? }
      expect(Array.new(sent ? 2 : 1) { receive }).to eq(sent ? [1, 2] : [2])
      [one, two].each(&:await)
      expect(me.mailbox_size).to eq(0)
    end
  end

  it 'is given up on after a time limit' do
    me.mailbox_limit = 1
    me << 0
    late = spin { move_on_after(0.001, with_value: :too_late) { me << 1 } }
    expect(late.await).to eq(:too_late)
    expect(Polyphony.receive_pending).to eq([0])
  end

  it 'lets in as many as a new limit allows, and all without one' do
    me.mailbox_limit = 1
    me << 0
    senders = (1..5).map { |n| sender(n) }
    me.mailbox_limit = 3
    wait_until { log.size == 2 }
    3.times { snooze }
    expect(log).to eq([1, 2])
    me.mailbox_limit = nil
    senders.each(&:await)
    expect(Polyphony.receive_pending).to eq([0, 1, 2, 3, 4, 5])
  end

  it 'lets senders in when all messages are taken at once' do
    me.mailbox_limit = 2
    me << 0 << 1
    senders = [2, 3, 4].map { |n| sender(n) }
    expect(Polyphony.receive_pending).to eq([0, 1])
    expect([receive, receive, receive]).to eq([2, 3, 4])
    senders.each(&:await)
  end

  it 'lets senders in when a selective receive makes room in the middle' do
    me.mailbox_limit = 2
    me << 0 << 1
    one = sender(2)
    expect(receive { |n| n == 1 }).to eq(1)
    one.await
    expect(Polyphony.receive_pending).to eq([0, 2])
  end

  it 'fails each sender once when the receiver ends' do
    fiber = waiting { suspend }
    fiber.mailbox_limit = 1
    fiber << 0
    senders = Array.new(3) { |n| waiting { error_of { fiber << n } } }
    fiber.stop
    expect(senders.map(&:await)).to all(be_a(Polyphony::DeadFiber))
  end

  it 'passes on to the new run of a receiver that is restarted what waited to be sent' do
    runs = 0
    got = []
    fiber = waiting { (runs += 1) == 1 ? suspend : got.push(receive, receive) }
    fiber.mailbox_limit = 1
    fiber << :dropped
    senders = [1, 2].map { |n| sender(n, to: fiber) }
    fiber.restart
    senders.each(&:await)
    fiber.await
    expect([runs, got]).to eq([2, [1, 2]])
  end

  it 'refuses what a fiber sends to itself when it is full: nobody could make room' do
    me.mailbox_limit = 1
    me << 0
    expect(error_of { me << 1 }.message).to include('mailbox_limit 1')
    sender(2)
    expect([receive, receive]).to eq([0, 2])
    me << 3
    expect(receive).to eq(3)
  end
end
