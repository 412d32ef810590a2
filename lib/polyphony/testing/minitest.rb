# frozen_string_literal: true

require 'minitest'
require_relative '../testing'

module Polyphony
  module Testing
    # Include it in a test class, and its tests run as a fiber, `setup` and `teardown` with them.
    #
    #   class TestMailer < Minitest::Test
    #     include Polyphony::Testing::Minitest
    #     polyphony clock: :virtual
    #   end
    module Minitest
      # @param base [Class]
      # @return [void]
      # @api private
      def self.included(base)
        super
        base.extend(Options)
      end

      # What the test class says about all its tests.
      module Options
        # @param clock [Symbol, nil] :virtual for a virtual clock, which the method `clock` gives
        # @param threshold [Numeric] of the virtual clock, in real seconds
        # @param seed [Integer, true, nil] runs fibers in an order made from this seed; true: from
        #   Minitest's own
        # @param leaks [Boolean, Hash] false for no check of what is left behind, `{ ignore: … }` for some of it
        # @return [Hash]
        # @suspends no
        def polyphony(clock: nil, threshold: 0, seed: nil, leaks: true)
          @polyphony = { clock: clock, threshold: threshold, seed: seed, leaks: leaks }
        end

        # @return [Hash] what {#polyphony} was given, here or above
        # @suspends no
        # @api private
        def polyphony_options
          @polyphony || (superclass.respond_to?(:polyphony_options) ? superclass.polyphony_options : polyphony)
        end
      end

      # @return [VirtualClock, nil] nil unless the class has `polyphony clock: :virtual`
      # @suspends no
      attr_reader :clock

      # Minitest calls this for each test.
      #
      # @return [Minitest::Result]
      # @suspends until the test and its fibers have ended
      def run
        Run.new(self.class.polyphony_options).call do |clock|
          @clock = clock
          super()
        end
      end

      # One test on its way: what its fibers fail with after its end, and what it leaves behind, are
      # failures of it, too.
      class Run
        # @param options [Hash]
        def initialize(options)
          @clock, @threshold, @seed, @leaks = options.values
          @seed = Testing.seed_for(@seed, ::Minitest.seed)
        end

        # @yieldparam clock [VirtualClock, nil]
        # @yieldreturn [Minitest::Result]
        # @return [Minitest::Result]
        def call(&test)
          before = Leaks.snapshot(**(@leaks.is_a?(::Hash) ? @leaks : {})) if @leaks
          run_in_fiber(test)
          failures = @result.failures
          failures.push(*leaks(before)) if before && failures.empty?
          failures.map! { |failure| noted(failure) } if @used
          @result
        end

        private

        def run_in_fiber(test)
          Testing.run(seed: @seed, clock: @clock, threshold: @threshold) do |clock|
            @used = Testing.seed
            @result = test.call(clock)
          end
        rescue ::Exception => e # rubocop:disable Lint/RescueException -- in the result
          raise if @result.nil? || ::Minitest::Test::PASSTHROUGH_EXCEPTIONS.any? { |kind| e.is_a?(kind) }

          @result.failures << ::Minitest::UnexpectedError.new(e)
        end

        def leaks(before)
          found = Leaks.compare(before)
          return [] if found.empty?

          failure = ::Minitest::Assertion.new(LeakError.new(found).message)
          failure.set_backtrace([@result.source_location.join(':')])
          [failure]
        end

        # Tells the seed.
        def noted(failure)
          note = "shuffled: repeat with POLYPHONY_SHUFFLE=#{@used}"
          case failure
          when ::Minitest::Skip then failure
          when ::Minitest::UnexpectedError then ::Minitest::UnexpectedError.new(Testing.noted(failure.error, note))
          else Testing.noted(failure, note)
          end
        end
      end
      private_constant :Run
    end
  end
end
