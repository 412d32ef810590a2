# frozen_string_literal: true

require 'json'
require_relative '../support/fibers'

# What a topic asks of an engine. With real ones: spec/adapters/redis/topic_spec.rb.
RSpec.describe Polyphony::Topic, :fibers do
  # Carries messages within the process, to whoever listens; without the hooks that an engine may have.
  let(:plain) do
    Class.new do
      def initialize = @topic = Polyphony::Topic.new
      def listeners = @topic.subscribers
      def publish(channel, payload) = @topic.publish([channel, payload])
      def subscribe(channel) = @topic.subscribe { |(to, payload)| yield payload if to == channel }
      def end_all = @topic.close
    end
  end

  it 'needs publish and subscribe of the engine, and no more' do
    engine = plain.new
    topic = described_class.new(:news, over: engine)
    first, second = Array.new(2) { topic.subscribe }
    wait_until { engine.listeners == 1 }
    expect(topic.publish([1, 'two', nil])).to eq(1) # what the engine says
    expect([first.receive, second.receive]).to eq([[1, 'two', nil]] * 2)
    engine.publish('other', '"x"')
    topic << 'last'
    expect([first.receive, second.receive, first.size]).to eq(['last', 'last', 0])
    first.close
    snooze
    expect(engine.listeners).to eq(1)
    second.close
    wait_until { engine.listeners.zero? }
  end

  it 'delivers to the subscribers here what is given to deliver' do
    topic = described_class.new(:news, over: plain.new)
    subscription = topic.subscribe
    expect([topic.deliver(:local), subscription.receive]).to eq([1, :local])
  end

  it 'waits until the engine listens, if it tells' do
    engine = Class.new do
      attr_reader :hooks

      def publish(*) = nil

      def subscribe(_channel, ready:, gap:)
        @hooks = { ready: ready, gap: gap }
        Polyphony.suspend
      end
    end.new
    gaps = []
    topic = described_class.new(:news, over: engine, on_gap: ->(*words) { gaps << words })
    fiber = waiting { topic.subscribe.tap { log << :subscribed } && suspend }
    settle
    expect([log, topic.subscribers]).to eq([[], 1])
    engine.hooks[:ready].call
    wait_until { log == [:subscribed] }
    2.times { |i| i.zero? ? engine.hooks[:gap].call : engine.hooks[:gap].call(:error) }
    expect(gaps).to eq([[topic, nil], [topic, :error]])
    fiber.stop
    expect(topic.subscribers).to eq(0)
  end

  it 'ends subscriptions when the engine fails, or has ended, and begins anew with the next one' do
    engine = plain.new
    topic = described_class.new(:news, over: engine)
    subscription = topic.subscribe
    wait_until { engine.listeners == 1 }
    engine.end_all
    expect(error_of { subscription.receive }).to be_a(Polyphony::Closed).and(have_attributes(message: /has ended its subscription/))
    failing = Class.new do
      def publish(*) = raise(IOError, 'no')
      def subscribe(*) = raise(IOError, 'never')
    end.new
    topic = described_class.new(:news, over: failing)
    expect([error_of { topic << 1 }, error_of { topic.subscribe.receive }].map(&:message)).to eq(%w[no never])
    expect([topic.subscribers, Polyphony.current.children]).to eq([0, []])
  end

  it 'refuses what is no engine, no codec, no hook, and a topic without a name' do
    engine = plain.new
    [[[:x], { over: 1 }, TypeError, /over: takes what has publish/], [[:x], { over: engine, codec: 1 }, TypeError, /codec:/],
     [[:x], { over: engine, on_gap: 1 }, TypeError, /on_gap:/], [[], { over: engine }, ArgumentError, /name/]].each do |names, options, error, words|
      expect { described_class.new(*names, **options) }.to raise_error(error, words)
    end
  end
end
