# frozen_string_literal: true

# Tools for the specs of programs that use Polyphony. Nothing else requires this file.
#
#   testing/clock.rb      virtual_clock: hours of sleep in no time
#   testing/run.rb        run, shuffle, each_seed: a main fiber for a test, and another order of fibers
#   testing/sequencer.rb  an order of steps that you say
#   testing/leaks.rb      what a block has left behind
#   testing/rspec.rb, testing/minitest.rb   hooks, each to be required by itself

require_relative 'core'

module Polyphony
  # What makes specs of concurrent code fast and repeatable. See docs/testing.md.
  module Testing
  end
end

require_relative 'testing/clock'
require_relative 'testing/run'
require_relative 'testing/sequencer'
require_relative 'testing/leaks'
