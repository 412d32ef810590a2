# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'The order of the run queue', :fibers do
  let(:scheduler) { Polyphony::Scheduler.current }

  def order(seed)
    scheduler.shuffle = seed
    order = []
    20.times { |i| spin { order << i; snooze; order << i } }
    supervise
    order
  ensure
    scheduler.shuffle = nil
  end

  it 'is first come, first served' do
    expect(order(nil)).to eq([*0..19, *0..19])
  end

  it 'is random with a seed: the same for the same seed, another for another' do
    expect(order(1)).to eq(order(1))
    expect(order(1).sort).to eq([*0..19, *0..19].sort)
    expect((1..10).map { |seed| order(seed) }.uniq.size).to eq(10)
    expect(order(1)).not_to eq(order(nil))
  end

  it 'leaves Fiber.schedule its meaning: at once, then on with the caller' do
    scheduler.shuffle = 3
    10.times { spin { snooze } }
    20.times do |i|
      Fiber.schedule { log << [i, :in]; snooze }
      log << [i, :out]
    end
    expect(log).to eq((0..19).flat_map { |i| [[i, :in], [i, :out]] })
  ensure
    scheduler.shuffle = nil
  end

  it 'can be chosen by POLYPHONY_SHUFFLE' do
    out, = run_ruby(<<~RUBY, env: { 'POLYPHONY_SHUFFLE' => '42' })
      require 'polyphony/core'
      Polyphony.run { p Polyphony::Scheduler.current.shuffle }
    RUBY
    expect(out).to eq("42\n")
  end

  it 'takes Integers only as seeds, of any size and sign' do
    expect { scheduler.shuffle = 1.5 }.to raise_error(StandardError)
    expect(order(-1)).not_to eq(order(2**70))
  end
end

RSpec.describe 'Polyphony::Scheduler.wait_all_blocked', :fibers do
  it 'returns when every other fiber waits' do
    spin { 50.times { snooze }; log << :busy; suspend }
    spin { receive; log << :received; suspend } << :message
    Polyphony::Scheduler.wait_all_blocked
    expect(log).to contain_exactly(:received, :busy)
  end

  it 'returns at once when there is nobody else' do
    expect(Polyphony::Scheduler.wait_all_blocked).to be_nil
  end

  it 'comes before the virtual clock jumps' do
    Polyphony::Scheduler.current.virtual_clock = 0
    spin { sleep(1); log << :slept }
    Polyphony::Scheduler.wait_all_blocked
    expect(log).to be_empty
    supervise
    expect(log).to eq([:slept])
  ensure
    Polyphony::Scheduler.current.virtual_clock = nil
  end

  it 'waits on while events keep coming within the pause' do
    reader, writer = IO.pipe
    thread = Thread.new { 3.times { |i| writer << i.to_s; log << i while log.size < i }; writer.close }
    spin { reader.read; log << :eof }
    Polyphony::Scheduler.wait_all_blocked(0.3)
    expect(log).to include(:eof)
  ensure
    thread.join
    reader.close
  end

  it 'can be stopped, and leaves nothing behind' do
    busy = spin { loop { snooze } }
    fiber = spin { Polyphony::Scheduler.wait_all_blocked }
    3.times { snooze }
    fiber.stop
    busy.stop
    expect(Polyphony::Scheduler.wait_all_blocked).to be_nil
  end

  it 'is for several fibers at a time' do
    fibers = Array.new(3) { |i| spin { Polyphony::Scheduler.wait_all_blocked; log << i } }
    Polyphony::Fiber.await(*fibers)
    expect(log).to eq([0, 1, 2])
  end

  it 'refuses a pause that never ends' do
    expect { Polyphony::Scheduler.wait_all_blocked(Float::INFINITY) }.to raise_error(ArgumentError)
    expect { Polyphony::Scheduler.wait_all_blocked(-1) }.to raise_error(ArgumentError)
  end
end
