# frozen_string_literal: true

require_relative '../support/fibers'
require_relative '../support/memory'

RSpec.describe 'many threads with many fibers' do
  # One fiber: sends +count+ messages to fibers of all threads, in a random order of its own, and receives what
  # others send to it, until it has been told that there is no more.
  member = Struct.new(:fiber, :total, :received) do
    def take_part(everybody, random, count)
      sent = 0
      count.times do |i|
        to = everybody[random.rand(everybody.size)]
        to.fiber << (value = random.rand(1000))
        sent += value
        Polyphony.snooze if (i % 3).zero?
        take(Polyphony.receive_pending)
      end
      sent
    end

    # :end is the last message: it is sent when all have sent theirs.
    def drain
      Polyphony.receive_loop { |message| message == :end ? break : take([message]) }
    end

    def take(messages)
      self.received += messages.size
      self.total += messages.sum
    end
  end

  # @return [Array(Integer, Array<Struct>)] the sum of all messages, and who has received what
  define_method(:crowd) do |threads, fibers, seed, count|
    members = Array.new(threads) { Array.new(fibers) { member.new(nil, 0, 0) } }
    everybody = members.flatten
    sent = Queue.new
    running = members.map.with_index { |own, i| Polyphony.thread { one_thread(own, everybody, Random.new(seed + i), count, sent) } }
    Thread.pass until everybody.all?(&:fiber)
    everybody.each { |member| member.fiber << :go }
    total = Array.new(everybody.size) { sent.pop }.sum
    everybody.each { |member| member.fiber << :end }
    running.each(&:join)
    [total, everybody]
  end

  def one_thread(own, everybody, random, count, sent)
    own.each do |member|
      member.fiber = Polyphony.spin do
        Polyphony.receive { |message| message == :go }
        sent << member.take_part(everybody, random, count)
        member.drain
      end
    end
    Polyphony.supervise
  end

  it 'lose and repeat no message: 8 threads of 1,000 fibers', timeout: 110 do
    sent, everybody = crowd(8, 1000, 1, 5)
    expect(everybody.sum(&:received)).to eq(8 * 1000 * 5)
    expect(everybody.sum(&:total)).to eq(sent)
    expect(everybody.count { |member| member.fiber.alive? }).to eq(0)
  end

  it 'need no more memory for more messages', timeout: 110 do
    before = nil
    6.times do |round|
      crowd(4, 200, round, 20)
      GC.start
      before = Memory.rss if round == 2
    end
    expect(Memory.rss - before).to be < 12 * 1024
  end
end
