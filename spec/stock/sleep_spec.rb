# frozen_string_literal: true

require_relative '../support/stock'

RSpec.describe 'Kernel#sleep beside a ticker fiber', :stock do
  it 'sleep(seconds) returns the whole seconds slept' do
    expect(beside_ticker { sleep 0.02 }).to eq(0)
  end

  it 'sleep(Rational) and sleep(Integer)' do
    expect(beside_ticker { sleep(1/100r) }).to be_a(Integer)
    expect(in_scheduler { sleep 0 }).to eq(0)
  end

  it 'sleep without end is woken by the scheduler’s own unblock' do
    sleeper = nil
    woken = beside_ticker(-> { Fiber.scheduler.unblock(:sleep, sleeper) }) do
      sleeper = Fiber.current
      sleep
      :woken
    end
    expect(woken).to eq(:woken)
  end

  it 'sleep(0) lets every other fiber run once' do
    order = []
    in_scheduler do
      %i[a b].each { |name| Fiber.schedule { 3.times { order << name and sleep 0 } } }
    end
    expect(order).to eq(%i[a b a b a b])
  end

  it 'wakes sleepers in the order of their deadlines' do
    order = []
    in_scheduler do
      [0.03, 0.01, 0.02].each { |s| Fiber.schedule { sleep(s) and order << s } }
    end
    expect(order).to eq([0.01, 0.02, 0.03])
  end

  it 'refuses what stock sleep refuses, with the same kind of error' do
    [-1, 'a', Float::NAN, :x].each do |bad|
      stock = begin
        sleep(bad)
      rescue StandardError => e
        e.class
      end
      expect { in_scheduler { Fiber.schedule { sleep(bad) } } }.to raise_error(stock), "sleep(#{bad.inspect})"
    end
  end
end
