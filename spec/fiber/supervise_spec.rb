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

  it 'takes no options that it does not know' do
    expect(error_of { supervise(nonsense: 1) }).to be_a(ArgumentError)
    expect(error_of { supervise(1) }).to be_a(TypeError)
  end
end
