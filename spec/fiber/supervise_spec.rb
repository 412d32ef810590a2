# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'supervise', :fibers do
  it 'waits for all children, those spun meanwhile too' do
    spin do
      snooze
      log << 1
    end
    parent = Polyphony.current
    spin { parent << spin { log << :grandchild } }
    adder = spin { snooze; parent << :add }
    expect(supervise).to be_nil
    expect(adder).not_to be_alive
    expect(log).to include(1)
    expect(parent.children).to be_empty
  end

  it 'waits for those given only' do
    other = spin { suspend }
    fiber = spin { snooze; log << 1 }
    expect(supervise(fiber)).to be_nil
    expect([other.alive?, log]).to eq([true, [1]])
  end

  it 'raises the first error and stops the rest before' do
    spin do
      suspend
    ensure
      snooze
      log << :ended
    end
    settle
    spin { snooze; raise 'foo' }
    expect(error_of { supervise }&.message).to eq('foo')
    expect(log).to eq([:ended])
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
  end

  it 'returns at once without children' do
    expect(supervise).to be_nil
  end

  it 'ends, with the children, when the supervisor is stopped' do
    child = nil
    supervisor = waiting do
      child = spin { suspend }
      supervise
    end
    supervisor.stop
    expect(child).not_to be_alive
  end

  it 'ends although the failed child was awaited by another one' do
    failing = spin { snooze; raise 'foo' }
    spin { failing.await }
    expect(error_of { supervise }&.message).to eq('foo')
    expect(Polyphony.current.children).to be_empty
  end

  it 'tells the block of each end, and of the error before it raises that' do
    a = spin(:a) { receive }
    spin(:b) { a.await; raise 'foo' }
    spin(:c) { suspend }
    a << :fine
    seen = {}
    expect(error_of { supervise { |fiber, outcome| seen[fiber.tag] = outcome } }&.message).to eq('foo')
    expect(seen).to match(a: :fine, b: be_a(RuntimeError)) # c was stopped for b
  end

  it 'takes the errors of fibers that others have spun: their parent does not get them' do
    fiber = nil
    parent = waiting { fiber = spin { receive; raise 'foo' }; suspend }
    awaiter = waiting { error_of { fiber.await } }
    fiber << :go
    expect(error_of { supervise(fiber) }&.message).to eq('foo')
    expect([awaiter.await&.message, parent.alive?]).to eq(['foo', true])
    parent.stop
  end

  it 'takes an Array, also an empty one' do
    other = waiting { suspend }
    fibers = Array.new(3) { spin { snooze } }
    expect([supervise(fibers), supervise([])]).to eq([nil, nil])
    expect([fibers.map(&:alive?), other.alive?]).to eq([[false] * 3, true])
    other.stop
  end

  it 'takes a fiber once that is named twice' do
    fiber = spin(:a) { snooze }
    supervise(fiber, fiber) { |one, _| log << one.tag }
    expect(log).to eq([:a])
  end

  it 'takes no options that it does not know, or that mean nothing' do
    { nonsense: 1, restart: :sometimes, strategy: :one_for_two, shutdown: -1 }.each do |option, value|
      error = error_of { supervise(option => value) }
      expect(error).to be_a(ArgumentError), option.to_s
      expect(error.message).to include(option.to_s)
    end
    expect(error_of { supervise(strategy: :one_for_all) }&.message).to include('without restarts', 'restart: :always')
    expect(error_of { supervise(restart: :temporary, backoff: 1) }).to be_a(ArgumentError)
    expect(error_of { supervise(1) }).to be_a(TypeError)
  end
end
