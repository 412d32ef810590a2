# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/thread'

# Fibers that send and receive while others interrupt them at random: what was sent is received once or still
# there, and what raised was not sent.
RSpec.describe 'messages under random interruptions', :fibers do
  # Raised at a random moment; whoever gets it goes on.
  Cut = Class.new(StandardError)

  def begun = @begun ||= []

  # Puts what the block gives into the list, until it is stopped.
  def collect(into)
    begun << Polyphony.current
    while true # rubocop:disable Style/InfiniteLoop
      begin
        into << yield
      rescue Cut
        next
      end
    end
  end

  def receive_all(got, channel)
    collect(got) { channel.receive }
  rescue Polyphony::Closed
    begin
      snooze # a Cut that came together with the end
    rescue Cut
      retry
    end
  end

  # Sends, and then waits to be stopped.
  # @param sent [Array] what send has returned from
  def produce(name, channel, count, sent)
    begun << Polyphony.current
    count.times do |n|
      channel.send([name, n])
      sent << [name, n]
      snooze if (n % 3).zero?
    rescue Cut
      next
    end
    sent << :done
    yield if block_given?
    begin
      suspend
    rescue Cut
      retry
    end
  end

  # Interrupts them, all of which have started and rescue it.
  def cut_at_random(random, fibers)
    wait_until { (fibers - begun).empty? }
    300.times do
      fibers.sample(random: random).raise(Cut)
      random.rand(3).times { snooze }
    end
  end

  def started = (@started ||= [])

  def by_name(messages) = messages.group_by(&:first)

  def run_to_the_end(producers, sent, consumers, rest)
    wait_until { producers.size == sent.count(:done) }
    wait_until { rest.call.zero? }
    3.times { snooze }
    (producers + consumers).each(&:stop)
    sent.delete(:done)
  end

  [nil, 1, 3, 0].each do |capacity|
    it "are conserved by a channel of capacity #{capacity.inspect}" do
      20.times do |seed|
        channel, other = Polyphony::Channel.new(capacity), Polyphony::Channel.new
        sent, got = [], []
        producers = Array.new(4) { |name| spin { started << name; produce(name, channel, 60, sent) } }
        consumers = Array.new(3) do |i|
          spin { started << i; collect(got) { i.zero? ? Polyphony::Channel.select(other, channel).last : channel.receive } }
        end
        cut_at_random(Random.new(seed), producers + consumers)
        run_to_the_end(producers, sent, consumers, -> { channel.size })
        expect([seed, got.sort]).to eq([seed, sent.sort])
        expect(got.size).to be > 50
        expect([channel.waiting_senders, channel.waiting_receivers, other.waiting_receivers]).to eq([0, 0, 0])
      end
    end
  end

  [nil, 1, 3].each do |limit|
    it "are conserved by a mailbox of limit #{limit.inspect}" do
      20.times do |seed|
        sent, got = [], []
        box = spin { started << :box; collect(got) { seed.even? ? receive : receive { |message| message } } }
        box.mailbox_limit = limit
        producers = Array.new(4) { |name| spin { started << name; produce(name, box, 60, sent) } }
        cut_at_random(Random.new(seed), [*producers, box])
        run_to_the_end(producers, sent, [box], -> { box.mailbox_size })
        expect([seed, by_name(got)]).to eq([seed, by_name(sent)])
        expect(got.size).to be > 50
      end
    end
  end

  [nil, 0, 1, 2].each do |capacity|
    it "are conserved between threads by a channel of capacity #{capacity.inspect}" do
      3.times do |seed|
        channel = Polyphony::Channel.new(capacity)
        handles, ended, makers = Queue.new, Queue.new, []
        sent, got = Array.new(2) { [] }, Array.new(2) { [] }
        threads = Array.new(2) do |t|
          Polyphony::Thread.new do
            makers[t] = spin { handles << Polyphony.current; produce(t, channel, 200, sent[t]) { ended << t } }
            supervise
          end
        end
        threads += Array.new(2) do |t|
          Polyphony::Thread.new do
            spin { handles << Polyphony.current; receive_all(got[t], channel) }
            supervise
          end
        end
        fibers = Array.new(4) { handles.pop.tap { |fiber| started << fiber } }
        cut_at_random(Random.new(seed), fibers)
        2.times { ended.pop } # no loop of snooze here: it would keep Ruby's lock from the other threads
        channel.close
        makers.each(&:stop)
        threads.each(&:join)
        sent.each { |list| list.delete(:done) }
        expect(got.flatten(1).sort).to eq(sent.flatten(1).sort)
      end
    end
  end
end
