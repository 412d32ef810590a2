# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'the end of a fiber', :fibers do
  it 'is not the start: spin queues the block and goes on' do
    spin { log << :fiber }
    log << :after_spin
    settle
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
      settle
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
        spin(:grandchild) do
          suspend
        ensure
          snooze
          log << [:grandchild, child.alive?, parent.alive?]
        end
        suspend
      ensure
        log << :child
      end
      settle
    end
    parent.await
    expect(child).not_to be_alive
    expect(log).to eq([:child, [:grandchild, true, true]])
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
      settle
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
      settle
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
      settle
    end.join
    expect(log).to eq([:stopped])
  end

  it 'gives its memory back: the parent does not remember it' do
    10.times { spin {}.await }
    expect(Polyphony.current.children).to be_empty
  end
end
