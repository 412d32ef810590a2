# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/thread'

RSpec.describe 'Polyphony::Channel.select', :fibers do
  let!(:me) { Polyphony.current }
  let(:one) { Polyphony::Channel.new }
  let(:two) { Polyphony::Channel.new(1) }
  let(:three) { Polyphony::Channel.new(0) }
  let(:sources) { [one, two, three] }

  def select(...) = Polyphony::Channel.select(...)

  it 'gives the first message that is there, of the first channel that has one' do
    two << 2
    one << 1
    expect([select(one, two), select(one, two)]).to eq([[one, 1], [two, 2]])
  end

  it 'waits for the first message of any of them, and takes no other' do
    sources.each do |channel|
      fiber = waiting { select(sources) }
      expect(sources.map(&:waiting_receivers)).to eq([1, 1, 1])
      channel << :it
      expect([fiber.await, sources.map(&:waiting_receivers), sources.map(&:size)]).to eq([[channel, :it], [0, 0, 0], [0, 0, 0]])
    end
  end

  it 'takes one message when several come at once' do
    fiber = waiting { select(*sources) }
    other = spin { three << 3 }
    one << 1
    two << 2
    expect(fiber.await).to eq([one, 1])
    expect([one.size, two.receive, three.receive]).to eq([0, 2, 3])
    other.await
  end

  it 'stands in line as any receiver' do
    early = waiting { [:early, one.receive] }
    fiber = waiting { select(one, two) }
    late = waiting { [:late, one.receive] }
    3.times { |n| one << n }
    expect([early, fiber, late].map(&:await)).to eq([[:early, 0], [one, 1], [:late, 2]])
  end

  it 'passes on what it leaves to who stands behind it' do
    fiber = waiting { select(one, two) }
    behind = waiting { two.receive }
    one << 1
    two << 2
    expect([fiber.await, behind.await]).to eq([[one, 1], 2])
  end

  it 'receives from the mailbox of its own fiber, too' do
    fiber = waiting { Array.new(2) { select(Polyphony.current, one) } }
    fiber << :message
    one << 1
    expect(fiber.await).to eq([[fiber, :message], [one, 1]])
    expect(error_of { select(one, fiber) }).to be_a(ArgumentError)
  end

  it 'receives from subscriptions' do
    topic = Polyphony::Topic.new
    subscription = topic.subscribe
    topic << 1
    expect(select(one, subscription)).to eq([subscription, 1])
  end

  it 'loses nothing when it is interrupted, or its time is over' do
    expect(error_of { select(sources, timeout: 0.001) }).to be_a(Polyphony::TimeoutError)
    expect(move_on_after(0.001, with_value: :late) { select(sources) }).to eq(:late)
    fiber = waiting { error_of { select(sources) } }
    fiber.raise(IOError)
    one << 1
    two << 2
    expect([fiber.await.class, one.receive, two.receive]).to eq([IOError, 1, 2])
    expect(sources.map(&:waiting_receivers)).to eq([0, 0, 0])
  end

  it 'goes on without what is closed, until all is' do
    one << 1
    one.close
    fiber = waiting { select(sources); Array.new(2) { select(sources) } }
    two << 2
    three.send(3)
    expect(fiber.await).to eq([[two, 2], [three, 3]])
    fiber = waiting { error_of { select(sources) } }
    [two, three].each(&:close)
    expect(fiber.await).to be_a(Polyphony::Closed)
  end

  it 'raises what one of them was closed with' do
    fiber = waiting { error_of { select(one, two) } }
    two.close(IOError.new('gone'))
    expect(fiber.await).to be_a(IOError)
  end

  it 'needs something to receive from' do
    expect(error_of { select }).to be_a(ArgumentError)
    expect(error_of { select([]) }).to be_a(ArgumentError)
    [1, nil, Queue.new].each { |wrong| expect(error_of { select(one, wrong) }).to be_a(TypeError) }
    expect(error_of { select(one, timeout: -1) }).to be_a(ArgumentError)
  end

  it 'shares channels of several threads with other receivers, each message going to one' do
    senders = sources.map { |channel| Polyphony::Thread.new { 200.times { |n| channel << n }; channel.close } }
    others = sources.map { |channel| Polyphony::Thread.new { channel.to_a } }
    got = []
    error = error_of { loop { got << select(sources) } }
    senders.each(&:join)
    expect(error).to be_a(Polyphony::Closed)
    per_channel = sources.zip(others).map { |channel, other| (other.value + got.filter_map { |c, n| n if c.equal?(channel) }).sort }
    expect(per_channel).to all(eq([*0...200]))
  end
end
