# frozen_string_literal: true

module Support
  # Finds races between threads: while the block runs, any thread may lose its turn at any line of lib/polyphony,
  # as it otherwise does once in a blue moon.
  module Preempt
    LIB = File.expand_path('../../lib/polyphony', __dir__)

    # @param random [Random] says where
    # @param rate [Float] at how many of the lines
    def preempt(random, rate: 0.1)
      tracer = TracePoint.new(:line) { |point| Thread.pass if point.path.start_with?(LIB) && random.rand < rate }
      tracer.enable
      yield
    ensure
      tracer&.disable
    end
  end
end

RSpec.configure { |config| config.include Support::Preempt }
