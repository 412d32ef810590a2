# frozen_string_literal: true

require_relative '../support/fibers'
require_relative '../support/run_ruby'
require 'polyphony/thread'

RSpec.describe Polyphony::Topic, :fibers do
  let!(:topic) { described_class.new(:news) }

  # @return [Polyphony::Fiber] that logs what it gets
  def subscriber(name, **options)
    waiting { topic.subscribe(**options) { |message| log << [name, message] } }
  end

  it 'sends each message to all subscribers, as the same object, in order' do
    subscriptions = Array.new(3) { topic.subscribe }
    first, second = Object.new, [2]
    expect([topic.publish(first), topic << second]).to eq([3, 3])
    subscriptions.each { |subscription| expect([subscription.receive, subscription.receive]).to match([equal(first), equal(second)]) }
  end

  it 'sends to nobody when nobody has subscribed; who comes later gets only what comes later' do
    expect(topic.publish(1)).to eq(0)
    subscription = topic.subscribe
    topic << 2
    expect([subscription.size, subscription.receive, subscription.try_receive(:none)]).to eq([1, 2, :none])
  end

  it 'yields messages to a block, until the topic is closed, the block breaks or its fiber is stopped' do
    closed = subscriber(:closed)
    broken = waiting { topic.subscribe { |message| break message if message == 2 } }
    stopped = subscriber(:stopped)
    [1, 2].each { |n| topic << n }
    expect(broken.await).to eq(2)
    wait_until { log.size == 4 }
    stopped.stop
    expect([topic.subscribers, topic << 3]).to eq([1, 1])
    topic.close
    expect(closed.await).to be_nil
    expect(log).to contain_exactly([:closed, 1], [:closed, 2], [:stopped, 1], [:stopped, 2], [:closed, 3])
  end

  it 'ends a subscription with its fiber, however that ends, or when it is restarted' do
    runs = 0
    fibers = [spin { topic.subscribe }, waiting { topic.subscribe && suspend }, spin { topic.subscribe; settle; raise IOError },
              waiting { topic.subscribe; runs += 1; suspend }]
    [fibers[2], fibers[0]].each { |fiber| error_of { fiber.await } }
    wait_until { fibers.count(&:alive?) == 2 }
    expect(topic.subscribers).to eq(2)
    fibers[1].stop
    fibers[3].restart
    wait_until { runs == 2 }
    expect(topic.subscribers).to eq(1)
    fibers[3].stop
    expect([topic.subscribers, topic << 1]).to eq([0, 0])
  end

  it 'lets a subscription be closed: what is there can be received, nothing more comes' do
    subscription = topic.subscribe
    topic << 1
    expect(subscription.close).to equal(subscription)
    topic << 2
    expect([subscription.to_a, subscription.closed?, topic.subscribers]).to eq([[1], true, 0])
    expect(error_of { subscription.receive }).to be_a(Polyphony::Closed)
    expect(subscription.close).to be_closed
  end

  it 'leaves nothing behind in the fiber that subscribed and closed' do
    10.times { topic.subscribe.close }
    expect(Polyphony.current.instance_variable_get(:@life).instance_variable_get(:@belongings)).to be_empty
  end

  it 'lets a message be waited for, with a time limit' do
    subscription = topic.subscribe
    expect(error_of { subscription.receive(timeout: 0.001) }).to be_a(Polyphony::TimeoutError)
    spin { topic << 1 }
    expect(subscription.receive(timeout: 60)).to eq(1)
    fiber = waiting { error_of { subscription.receive } }
    fiber.raise(IOError)
    topic << 2
    expect([fiber.await.class, subscription.receive]).to eq([IOError, 2])
  end

  it 'is closed: publishing and subscribing fail, all subscriptions end' do
    one, two = Array.new(2) { topic.subscribe }
    topic << 1
    expect(topic.close(IOError.new('gone'))).to equal(topic)
    expect(error_of { topic << 2 }).to be_a(Polyphony::Closed)
    expect(error_of { topic.subscribe }).to be_a(Polyphony::Closed)
    expect([one.receive, error_of { one.receive }]).to match([1, be_a(IOError)])
    expect([topic.closed?, topic.subscribers, two.size]).to eq([true, 0, 1])
  end

  it 'lets subscribers come and go while it publishes' do
    late = []
    once = waiting { topic.subscribe(limit: 1, overflow: :wait) { |m| late << topic.subscribe; break m } }
    other = topic.subscribe
    expect(topic << 1).to eq(2)
    once.await
    expect([other.receive, topic << 2, other.receive]).to eq([1, 1, 2])
  end

  describe 'to a subscriber that is too slow' do
    it 'closes the subscription and raises Overflow there, after what was there' do
      slow = topic.subscribe(limit: 2)
      expect([1, 2, 3, 4].map { |n| topic << n }).to eq([1, 1, 0, 0])
      expect([slow.receive, slow.receive]).to eq([1, 2])
      expect(error_of { slow.receive }).to be_a(Polyphony::Overflow).and have_attributes(message: include('more than 2 messages'))
      expect(error_of { slow.each {} }).to be_a(Polyphony::Overflow)
    end

    it 'closes it without an error if told so' do
      slow = topic.subscribe(limit: 2, overflow: :close)
      expect([1, 2, 3].map { |n| topic << n }).to eq([1, 1, 0])
      expect([slow.to_a, topic.subscribers]).to eq([[1, 2], 0])
    end

    it 'drops the oldest, or the newest, and counts them' do
      old, young = %i[drop_oldest drop_newest].map { |overflow| topic.subscribe(limit: 2, overflow: overflow) }
      expect((1..5).map { |n| topic << n }).to eq([2, 2, 1, 1, 1])
      expect([old.dropped, young.dropped]).to eq([3, 3])
      expect([[old.receive, old.receive], [young.receive, young.receive]]).to eq([[4, 5], [1, 2]])
    end

    it 'drops the oldest also when it has been given one but has not run yet' do
      got = []
      fiber = waiting { topic.subscribe(limit: 1, overflow: :drop_oldest) { |m| got << m } }
      expect([1, 2, 3].map { |n| topic << n }).to eq([1, 1, 1])
      wait_until { got.size == 2 }
      fiber.stop
      expect(got).to eq([1, 3])
    end

    it 'waits if told so, while the others have the message' do
      slow = topic.subscribe(limit: 1, overflow: :wait)
      fast = topic.subscribe
      publisher = waiting { Array.new(3) { |n| topic << n } }
      expect([publisher.state, fast.size, slow.size]).to eq([:waiting, 2, 1])
      expect(Array.new(3) { slow.receive }).to eq([0, 1, 2])
      expect([publisher.await, Array.new(3) { fast.receive }]).to eq([[2, 2, 2], [0, 1, 2]])
    end

    it 'stops waiting when the subscription ends, or the publisher is stopped' do
      slow = topic.subscribe(limit: 1, overflow: :wait)
      topic << 0
      publisher = waiting { topic << 1 }
      other = waiting { topic << 2 }
      publisher.stop
      expect(topic.subscribers).to eq(1)
      slow.close
      expect([other.await, slow.to_a]).to eq([0, [0]])
    end

    it 'has any number wait without a limit' do
      slow = topic.subscribe(limit: nil)
      3000.times { |n| topic << n }
      expect(slow.size).to eq(3000)
    end
  end

  it 'refuses limits and overflows that make no sense' do
    [0, -1, 1.5, 'x'].each { |wrong| expect(error_of { topic.subscribe(limit: wrong) }).to be_a(ArgumentError) }
    expect(error_of { topic.subscribe(overflow: :explode) }).to be_a(ArgumentError).and have_attributes(message: include(':drop_oldest'))
    expect(topic.subscribers).to eq(0)
  end

  it 'shows itself and its subscriptions' do
    subscription = topic.subscribe(limit: 1, overflow: :drop_newest)
    2.times { topic << 1 }
    expect([topic.inspect, subscription.inspect, topic.name, subscription.topic]).to eq(
      ['#<Polyphony::Topic :news subscribers=1>', '#<Polyphony::Topic::Subscription of :news 1/1 dropped=1>', :news, topic]
    )
    topic.close
    expect([topic.inspect, subscription.inspect]).to all(end_with('closed>'))
  end

  it 'reaches subscribers in all threads, each publisher in its order' do
    subscribed = Queue.new
    readers = Array.new(3) do
      Polyphony::Thread.new do
        topic.subscribe(limit: nil).then { |subscription| subscribed << 1; subscription.to_a }
      end
    end
    3.times { subscribed.pop }
    writers = Array.new(2) { |t| Thread.new { 500.times { |n| topic << [t, n] } } }
    writers.each(&:join)
    topic.close
    readers.map(&:value).each do |got|
      expect(got.size).to eq(1000)
      2.times { |t| expect(got.filter_map { |w, n| n if w == t }).to eq([*0...500]) }
    end
  end

  it 'allocates next to nothing when it publishes: one list, whatever the number of subscribers' do
    subscriptions = Array.new(1000) { topic.subscribe(limit: 5) }
    topic << 0
    GC.disable
    before = GC.stat(:total_allocated_objects)
    topic << 1
    allocated = GC.stat(:total_allocated_objects) - before
    GC.enable
    expect(allocated).to be < 20
    expect(subscriptions.map(&:size)).to all(eq(2))
  ensure
    GC.enable
  end

  it 'reaches 10,000 subscribers' do
    got = 0
    fibers = Array.new(10_000) { spin { topic.subscribe { |m| got += m } } }
    wait_until { topic.subscribers == 10_000 }
    expect([topic << 1, topic << 2]).to eq([10_000, 10_000])
    wait_until { got == 30_000 }
    topic.close
    fibers.each(&:await)
  end

  it 'is delivered to where a transport says' do
    spanning = Class.new(described_class) { def publish(message) = deliver([:came_back, message]) }.new
    subscription = spanning.subscribe
    spanning.publish(1)
    expect(subscription.receive).to eq([:came_back, 1])
  end

  it 'drops, in a forked child, the subscribers that stayed in the parent process' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        topic = Polyphony::Topic.new
        mine = topic.subscribe
        Polyphony.spin { topic.subscribe(limit: 1, overflow: :wait); Polyphony.suspend }
        ready = Queue.new
        Thread.new { topic.subscribe(limit: 1, overflow: :wait); ready << 1; sleep }
        ready.pop
        Polyphony.snooze
        topic << 1
        pid = fork { p [topic << 2, topic << 3, mine.size, topic.subscribers] }
        Process.wait(pid)
        p topic.subscribers
        exit!(0)
      end
    RUBY
    expect([out, err]).to eq(["[1, 1, 3, 1]\n3\n", ''])
  end
end
