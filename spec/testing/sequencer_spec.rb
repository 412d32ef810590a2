# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/testing'

RSpec.describe Polyphony::Testing::Sequencer, :fibers do
  let(:seq) { described_class.new }

  it 'puts steps into their order, whatever order the fibers run in' do
    fibers = [3, 1, 0, 2].map { |step| spin { seq.call(step) { log << step && snooze || log << -step && step } } }
    expect(fibers.map(&:await)).to eq([3, 1, 0, 2])
    expect(log).to eq([0, 0, 1, -1, 2, -2, 3, -3])
    expect(seq.finish(4)).to be(seq)
  end

  it 'takes steps without a block, with brackets too' do
    spin { (log << seq.call(0)) && seq[2] }
    spin { log << seq[1] { :b } }
    supervise
    expect([seq.step, log]).to eq([3, [nil, :b]])
  end

  it 'orders fibers of several threads' do
    other = Polyphony.thread { [1, 3].each { |step| seq.call(step) { log << step } } }
    [0, 2].each { |step| seq.call(step) { log << step } }
    other.join
    expect(log).to eq([0, 1, 2, 3])
  end

  it 'refuses a step that was used' do
    seq[0]
    expect { seq[0] }.to raise_error(Polyphony::Testing::SequenceError, 'step 0 was used before')
    waiting { seq[2] }
    expect { seq[2] }.to raise_error(Polyphony::Testing::SequenceError, 'step 2 was used before')
  end

  it 'refuses what is no step' do
    expect { seq[-1] }.to raise_error(ArgumentError, /begin with 0/)
    expect { seq[:first] }.to raise_error(TypeError, /Integer/)
  end

  it 'goes on after a step that failed' do
    failing = spin { seq.call(0) { raise IOError } }
    later = spin { seq.call(1) { :later } }
    expect(error_of { failing.await }).to be_a(IOError)
    expect(later.await).to eq(:later)
  end

  it 'tells those that wait when a step before theirs was stopped before its turn' do
    stopped = waiting { seq[1] }
    later = waiting { error_of { seq[2] } }
    stopped.stop
    expect(later.await.message).to eq('step 1 was stopped or cancelled before its turn')
    expect { seq[3] }.to raise_error(Polyphony::Testing::SequenceError, /step 1/)
    expect { seq.finish }.to raise_error(Polyphony::Testing::SequenceError, /step 1/)
  end

  it 'says what is missing at the end' do
    errors = [error_of { seq.finish(1) }]
    waiting { seq[2] }
    errors << error_of { seq.finish }
    seq[0]
    errors << error_of { seq.finish } << error_of { seq.finish(1) }
    waiting { seq.call(1) { suspend } }
    errors << error_of { seq.finish }
    expect(errors.map(&:message)).to eq(
      ['step 0 never came', 'step 0 never came: step 2 waits for it', 'step 1 never came: step 2 waits for it',
       'there are more than 1 steps: step 2 came', 'step 1 has not ended: step 2 waits for it']
    )
  end

  it 'says so when there were more steps than should be' do
    2.times { |step| seq[step] }
    expect { seq.finish(1) }.to raise_error(Polyphony::Testing::SequenceError, 'there are more than 1 steps: step 1 came')
  end

  it 'shows in a deadlock what is waited for' do
    result = run_ruby(<<~RUBY)
      require 'polyphony/testing'
      Polyphony.run { Polyphony::Testing::Sequencer.new[5] }
    RUBY
    expect(result.stderr).to match(/Deadlock.*turn 5 of a sequence that is at 0/m)
    expect(seq.inspect).to eq('#<Polyphony::Testing::Sequencer next=0 waiting=[]>')
  end
end
