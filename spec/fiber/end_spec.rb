# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'the end of a fiber', :fibers do
  it 'is not the start: spin queues the block and goes on' do
    spin { log << :fiber }
    log << :after_spin
    snooze
    expect(log).to eq(%i[after_spin fiber])
  end

  it 'stops its live children and waits for their ensure blocks before it is dead' do
    parent = spin do
      spin do
        suspend
      ensure
        2.times { snooze }
        log << :child_ended
      end
      snooze
      log << :block_done
      :value
    end
    expect(parent.await).to eq(:value)
    expect(log).to eq(%i[block_done child_ended])
    expect(parent.children).to be_empty
  end

  it 'ends grandchildren before children' do
    child = nil
    parent = spin do
      child = spin(:child) do
        spin(:grandchild) { suspend } # rubocop:disable Style/RedundantBegin
        suspend
      ensure
        log << :child
      end
      waiting { suspend }
    end
    parent.await
    expect(child).not_to be_alive
    expect(log).to eq(%i[child])
  end

  it 'never runs a child that was not started when its parent ended' do
    spin { spin { log << :ran } }.await
    snooze
    expect(log).to be_empty
  end

  it 'stops what a child spins in its ensure block, too' do
    late = nil
    parent = spin do
      spin do
        suspend
      ensure
        late = spin { suspend }
        snooze
      end
      snooze
    end
    parent.await
    expect(late).not_to be_alive
  end

  it 'stops a child that is restarted while its parent ends' do
    sleeper = nil
    parent = spin do
      sleeper = waiting { suspend }
      spin do
        suspend
      ensure
        log << sleeper.alive?
        sleeper.restart
      end
      snooze
    end
    parent.await
    expect(log).not_to be_empty
    expect(sleeper).not_to be_alive
  end

  it 'comes to fibers spun from the thread of a blocking root when that ends' do
    Thread.new do
      Polyphony.spin do
        Polyphony.suspend
      ensure
        log << :stopped
      end
      Polyphony.snooze
    end.join
    expect(log).to eq([:stopped])
  end

  it 'gives its memory back: the parent does not remember it' do
    10.times { spin {}.await }
    expect(Polyphony.current.children).to be_empty
  end
end
