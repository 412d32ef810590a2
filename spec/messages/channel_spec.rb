# frozen_string_literal: true

require_relative '../support/fibers'
require_relative '../support/run_ruby'
require 'polyphony/thread'

RSpec.describe Polyphony::Channel, :fibers do
  let(:unbounded) { described_class.new }
  let(:of_two) { described_class.new(2) }
  let(:rendezvous) { described_class.new(0) }

  # @return [Polyphony::Fiber] that logs what it receives
  def receiver(channel, name = nil)
    waiting { message = channel.receive; log << (name ? [name, message] : message); message }
  end

  def sender(channel, message)
    waiting { channel << message; log << "sent #{message}" }
  end

  shared_examples 'a channel' do |capacity|
    let(:channel) { described_class.new(capacity) }

    it 'passes on messages in order, as the objects they are, nil too' do
      object = Object.new
      spin { channel << 1 << nil << false << object }
      expect(Array.new(4) { channel.receive }).to match([1, nil, false, equal(object)])
    end

    it 'wakes receivers in the order they came, each with one message' do
      fibers = %i[a b c].map { |name| receiver(channel, name) }
      expect([channel.waiting_receivers, fibers.map(&:waiting_on)]).to match([3, all(start_with('receive from #<Polyphony::Channel'))])
      [1, 2, 3].each { |n| channel << n }
      fibers.each(&:await)
      expect([log.sort, channel.waiting_receivers]).to eq([[[:a, 1], [:b, 2], [:c, 3]], 0])
    end

    it 'gives a message to who has waited, not to who comes just then' do
      late = waiting { receive; log << [:late, channel.receive] }
      receiver(channel, :early)
      late << :go # runs first
      channel.send(1)
      wait_until { log.any? }
      channel.send(2)
      late.await
      expect(log).to eq([[:early, 1], [:late, 2]])
    end

    it 'ends each when it is closed and empty' do
      spin { 5.times { |i| channel << i }; channel.close }
      expect(channel.each { |m| log << m }).to equal(channel)
      expect([log, channel.closed?, channel.empty?]).to eq([[0, 1, 2, 3, 4], true, true])
      expect(channel.to_a).to eq([])
    end

    it 'is an Enumerable, also lazily' do
      spin { (1..20).each { |i| channel << i } }
      expect([channel.lazy.select(&:even?).first(3), channel.first, channel.each.next]).to eq([[2, 4, 6], 7, 8])
    end

    it 'raises Closed where there is nothing left, and where nothing can be put in' do
      waits = Array.new(3) { waiting { error_of { channel.receive } } }
      channel.close
      expect(waits.map(&:await)).to all(be_a(Polyphony::Closed))
      [-> { channel.receive }, -> { channel.try_receive }, -> { channel << 1 }, -> { channel.try_send(1) }].each do |call|
        expect(error_of(&call)).to be_a(Polyphony::Closed)
      end
      expect(channel.close).to equal(channel)
    end

    it 'raises what it was closed with, in each, too; senders get it as the cause' do
      waits = [waiting { error_of { channel.receive } }, waiting { error_of { channel.to_a } }]
      channel.close(IOError.new('gone'))
      expect(waits.map(&:await)).to all(be_a(IOError).and(have_attributes(message: 'gone')))
      expect([error_of { channel.receive }, error_of { channel.try_receive }]).to all(be_a(IOError))
      expect(error_of { channel << 1 }).to be_a(Polyphony::Closed).and have_attributes(cause: be_a(IOError))
      channel.close(ArgumentError)
      expect(error_of { channel.receive }).to be_a(IOError)
    end

    it 'refuses to be closed with what cannot be raised' do
      expect(error_of { channel.close(5) }).to be_a(TypeError)
      expect(channel).not_to be_closed
    end

    it 'raises TimeoutError when nothing comes in time, and loses nothing' do
      expect([error_of { channel.receive(timeout: 0) }, error_of { channel.receive(timeout: 0.001) }]).to all(be_a(Polyphony::TimeoutError))
      expect(channel.waiting_receivers).to eq(0)
      spin { channel << 1 }
      expect(channel.receive(timeout: Float::INFINITY)).to eq(1)
      [-1, Float::NAN].each { |wrong| expect(error_of { channel.receive(timeout: wrong) }).to be_a(ArgumentError) }
      expect(error_of { channel.receive(timeout: 'x') }).to be_a(TypeError)
    end

    it 'takes and puts without waiting where it can' do
      expect([channel.try_receive, channel.try_receive(:none)]).to eq([nil, :none])
      fiber = receiver(channel)
      expect(channel.try_send(1)).to be(true)
      fiber.await
      other = sender(channel, 2)
      expect(channel.try_receive).to eq(capacity == 0 ? nil : 2) # there it is still in the sender's hands
      channel.receive if capacity == 0
      other.await
      expect(log.tally).to eq(1 => 1, 'sent 2' => 1)
    end

    it 'loses nothing when a receiver is stopped, whatever comes first' do
      [%i[send stop], %i[stop send]].each do |order|
        got = []
        fiber = waiting { got << channel.receive }
        steps = { send: -> { waiting { channel << :message } }, stop: -> { fiber.raise(Polyphony::Stop) if fiber.alive? } }
        order.each { |step| steps[step].call }
        wait_until { fiber.state == :dead }
        got << channel.receive if got.empty?
        expect([got, channel.try_receive(:none), channel.waiting_receivers]).to eq([[:message], :none, 0])
      end
    end

    it 'wakes the next receiver when the first is interrupted as its message comes' do
      one, two = receiver(channel, :one), receiver(channel, :two)
      one.raise(Polyphony::Stop)
      spin { channel << 1 }
      two.await
      expect([one.await, log]).to eq([nil, [[:two, 1]]])
    end

    it 'is received from by a root fiber of a plain thread, and sent to' do
      thread = Thread.new { channel.receive + channel.receive }
      channel << 1 << 2
      expect(thread.value).to eq(3)
      thread = Thread.new { channel << 4; :sent }
      expect([channel.receive, thread.value]).to eq([4, :sent])
    end

    it 'passes on each message once, in the order of its sender, between threads' do
      senders = Array.new(3) { |t| Polyphony::Thread.new { 200.times { |n| channel << [t, n] } } }
      receivers = Array.new(3) { Polyphony::Thread.new { Polyphony.spin { channel.to_a }.await + channel.to_a } }
      here = []
      reader = spin { channel.each { |m| here << m } }
      senders.each(&:join)
      channel.close
      reader.await
      got = [here, *receivers.map(&:value)]
      expect(got.flatten(1).sort).to eq([0, 1, 2].product([*0...200]))
      got.each { |part| 3.times { |t| expect(part.filter_map { |s, n| n if s == t }).to eq(part.filter_map { |s, n| n if s == t }.sort) } }
    end
  end

  { 'without a limit' => nil, 'of one' => 1, 'of three' => 3, 'of none' => 0 }.each do |name, capacity|
    describe(name) { it_behaves_like 'a channel', capacity }
  end

  describe 'with a capacity' do
    it 'holds as many, and lets senders in, in the order they came' do
      of_two << 1 << 2
      senders = [3, 4, 5].map { |n| sender(of_two, n) }
      expect([of_two.size, of_two.waiting_senders, of_two.try_send(6)]).to eq([2, 3, false])
      expect(senders.map(&:waiting_on)).to all(start_with('send to #<Polyphony::Channel 2/2'))
      expect(Array.new(5) { of_two.receive }).to eq([1, 2, 3, 4, 5])
      senders.each(&:await)
      expect(log).to eq(['sent 3', 'sent 4', 'sent 5'])
    end

    it 'lets nobody in who comes when there is room but others wait' do
      of_two << 0 << 1
      late = waiting { receive; of_two << :late }
      sender(of_two, :early)
      late << :go
      of_two.receive
      expect(of_two.try_send(:pushy)).to be(false)
      expect(Array.new(3) { of_two.receive }).to eq([1, :early, :late])
    end

    it 'gets a message if and only if send returned, when room and an interruption come together' do
      [%i[take cut], %i[cut take]].each do |order|
        channel = described_class.new(1)
        channel << 0
        sent = nil
        one = waiting do
          channel << 1
          sent = true
          suspend
        rescue IOError
          sent ||= false
        end
        two = waiting { channel << 2 }
        steps = { take: -> { channel.receive }, cut: -> { one.raise(IOError) } }
        order.each { |step| steps[step].call }
        one.await
        expect(Array.new(sent ? 2 : 1) { channel.receive }).to eq(sent ? [1, 2] : [2])
        two.await
        expect([sent, channel.size, channel.waiting_senders]).to eq([order.first == :take, 0, 0])
      end
    end

    it 'fails senders that wait when it is closed; what is in can be received' do
      of_two << 1 << 2
      senders = [3, 4].map { |n| waiting { error_of { of_two << n } } }
      of_two.close
      expect(senders.map(&:await)).to all(be_a(Polyphony::Closed))
      expect(of_two.to_a).to eq([1, 2])
    end

    it 'is never over-full, whatever threads send' do
      most = 0
      threads = Array.new(4) { Polyphony::Thread.new { 300.times { of_two << 1 } } }
      1200.times { most = [most, of_two.size].max; of_two.receive }
      threads.each(&:join)
      expect([most.between?(1, 2), of_two.size]).to eq([true, 0])
    end
  end

  describe 'without room' do
    it 'has a sender wait until its message was received' do
      one = sender(rendezvous, 1)
      expect([rendezvous.size, rendezvous.waiting_senders, log]).to eq([0, 1, []])
      expect(rendezvous.receive).to eq(1)
      one.await
      expect([log, rendezvous.waiting_senders]).to eq([['sent 1'], 0])
    end

    it 'gives what try_send offers only to who waits for it' do
      expect(rendezvous.try_send(1)).to be(false)
      fiber = waiting { error_of { rendezvous.receive } }
      fiber.raise(IOError)
      expect(rendezvous.try_send(2)).to be(false) # it is interrupted already
      expect(fiber.await).to be_a(IOError)
    end

    it 'has received a message if and only if send returned, when both come together with an interruption' do
      [%i[take cut], %i[cut take]].each do |order|
        sent = nil
        one = waiting do
          rendezvous << 1
          sent = true
          suspend
        rescue IOError
          sent ||= false
        end
        two = sender(rendezvous, 2)
        got = nil
        steps = { take: -> { got = rendezvous.receive }, cut: -> { one.raise(IOError) } }
        order.each { |step| steps[step].call }
        one.await
        rendezvous.receive if sent
        two.await
        expect([got, sent]).to eq(order.first == :take ? [1, true] : [2, false])
      end
    end

    it 'goes on with a sender that was woken for nothing' do
      one = sender(rendezvous, 1)
      one.instance_variable_get(:@life).wake
      expect(rendezvous.receive).to eq(1)
      two = receiver(rendezvous, :two)
      two.instance_variable_get(:@life).wake
      rendezvous << 2
      [one, two].each(&:await)
      expect(log).to contain_exactly('sent 1', [:two, 2])
    end

    it 'fails senders that wait when it is closed' do
      senders = [3, 4].map { |n| waiting { error_of { rendezvous << n } } }
      rendezvous.close
      expect(senders.map(&:await)).to all(be_a(Polyphony::Closed))
      expect(rendezvous.to_a).to eq([])
    end
  end

  # What another thread may have in its hands when it gets Ruby's lock back.
  it 'gives nothing to a wait that is over, though its fiber waits for something else by then' do
    fiber = waiting { [error_of { unbounded.receive }.class, unbounded.receive] }
    place = unbounded.instance_variable_get(:@receivers).claim
    fiber.raise(IOError)
    wait_until { unbounded.waiting_receivers == 1 && fiber.state == :waiting }
    expect(place.give(unbounded, :lost)).to be(false)
    unbounded << :it
    expect(fiber.await).to eq([IOError, :it])
  end

  it 'passes on what was given to a wait just as another thread interrupted it' do
    [unbounded, of_two, rendezvous].each do |channel|
      [-> { channel.receive }, -> { described_class.select(described_class.new, channel) }].each do |wait|
        fiber = waiting { error_of(&wait) }
        place = channel.instance_variable_get(:@receivers).claim
        place.instance_variable_get(:@given).push(channel, nil) # as Place#give, without waking it
        fiber.raise(IOError)
        next_one = waiting { [channel.receive] }
        expect([fiber.await.class, next_one.await, channel.empty?]).to eq([IOError, [nil], true])
      end
    end
  end

  it 'needs a capacity that makes sense' do
    [-1, 1.5, 'many', 0.0].each { |wrong| expect(error_of { described_class.new(wrong) }).to be_a(ArgumentError) }
    expect([nil, 0, 3].map { |capacity| described_class.new(capacity).capacity }).to eq([nil, 0, 3])
    expect(described_class.new(0)).to be_a(described_class)
  end

  it 'shows what is in it and who waits' do
    of_two << 1
    receiver(rendezvous)
    expect([unbounded, of_two, rendezvous].map(&:inspect)).to eq(
      ['#<Polyphony::Channel 0, waiting: 0 to send, 0 to receive>', '#<Polyphony::Channel 1/2, waiting: 0 to send, 0 to receive>',
       '#<Polyphony::Channel 0/0, waiting: 0 to send, 1 to receive>']
    )
    expect(unbounded.close.inspect).to eq('#<Polyphony::Channel 0 closed, waiting: 0 to send, 0 to receive>')
    rendezvous << 1
  end

  it 'works in a forked child, without those who waited in the parent process' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        full = Polyphony::Channel.new(1) << 1
        empty = Polyphony::Channel.new(1)
        Polyphony.spin { full << 2 }
        Polyphony.spin { empty.receive }
        3.times { Polyphony.snooze }
        pid = fork do
          full.receive
          Polyphony.spin { full << 3 << 4 }
          Polyphony.spin { empty << 5 }
          p [full.receive, full.receive, empty.receive]
        end
        Process.wait(pid)
        exit!(0)
      end
    RUBY
    expect([out, err]).to eq(["[3, 4, 5]\n", ''])
  end

  it 'is told of as a deadlock when nobody can ever send' do
    out, = run_ruby("require 'polyphony/core'; Polyphony.run { Polyphony::Channel.new.receive rescue puts $!.message }")
    expect(out).to include('no fiber can ever run again').and include('receive from #<Polyphony::Channel 0')
  end
end
