# frozen_string_literal: true

require_relative '../spec_helper'

# Random trees of fibers that spin, fail, sleep, stop, restart, send, await, cancel, … by a virtual clock and in
# a random order. Whatever they do:
#
# - no child outlives its parent
# - every error arrives once where it should, or ends the program, or is kept as a suppressed one
# - nothing leaks: no fiber, no watch, no waiter
# - main always ends, and there is never a deadlock
# - the same seed gives the same run
#
# To see it fail, take something away that it proves: in lib/polyphony/lifecycle/family.rb `children.each(&:stop_soon)`
# of end_children, or in awaiting.rb the give_back of an error.
RSpec.describe 'Random trees of fibers' do
  count = Integer(ENV.fetch('POLYPHONY_PROPERTY_COUNT', 12_000))
  from = Integer(ENV.fetch('POLYPHONY_PROPERTY_FROM', 1))
  parts = 3

  parts.times do |part|
    first = from + (part * count / parts)
    number = (from + ((part + 1) * count / parts)) - first

    it "do nothing they must not, with the seeds from #{first} on", timeout: 110 do
      result = run_ruby(File.join(ROOT, 'spec/property/check.rb'), first, number, chdir: ROOT, timeout: 100)
      report = result.stdout.lines.grep_v(/\Aseed \d+\n/).join
      expect([report, result.stderr]).to eq(["#{number} programs: ok\n", ''])
    rescue Support::RunRuby::TimedOut => e
      raise "hangs with #{e.message[/.*(seed \d+)/m, 1]} (ruby spec/property/check.rb SEED 1)"
    end
  end
end
