# frozen_string_literal: true

require 'rspec/core'
require_relative '../testing'

module Polyphony
  module Testing
    # `require 'polyphony/testing/rspec'`, and examples and groups marked `:polyphony` run as a fiber.
    #
    #   it 'times out', :polyphony, clock: :virtual do … end
    #
    # Metadata: `clock: :virtual` (and `threshold: 0.01`) for a virtual clock, which `clock` gives;
    # `seed: 7` or `seed: true` for a shuffled order, true meaning one made from RSpec's own seed;
    # `leaks: false` for no check of what is left behind, or the kinds to ignore (`leaks: { ignore: :threads }`).
    # Hooks run in the fiber, too, but for those of `:context`.
    module RSpec
      # What these examples have.
      module Helpers
        # @return [VirtualClock, nil] nil unless the example has `clock: :virtual`
        # @suspends no
        attr_accessor :clock
      end

      # @param config [RSpec::Core::Configuration]
      # @return [void]
      # @api private
      def self.install(config)
        config.include Helpers, :polyphony
        config.around(:each, :polyphony) do |example|
          Example.new(example).run { |clock| self.clock = clock }
        end
      end

      # One example on its way. @api private
      class Example
        # @param example [RSpec::Core::Example::Procsy]
        def initialize(example)
          @example = example
          @metadata = example.metadata
        end

        # @yieldparam clock [VirtualClock, nil]
        def run(&start)
          before = Leaks.snapshot(**leak_options) if leaks?
          run_in_fiber(start)
          note_seed if @example.exception
          return if before.nil? || @example.exception

          leaks = Leaks.compare(before)
          raise LeakError.new(leaks) unless leaks.empty?
        end

        private

        def run_in_fiber(start)
          Testing.run(**options) do |clock|
            @seed = Testing.seed
            start.call(clock)
            @example.run
          end
        rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
          note_seed
          raise
        end

        def options
          { seed: Testing.seed_for(@metadata[:seed], ::RSpec.configuration.seed), clock: @metadata[:clock],
            threshold: @metadata[:threshold] || 0 }
        end

        def note_seed
          return unless @seed

          (@metadata[:extra_failure_lines] ||= []) <<
            "shuffled: repeat with POLYPHONY_SHUFFLE=#{@seed} rspec #{@example.location}"
        end

        def leaks?
          @metadata[:leaks] != false
        end

        def leak_options
          @metadata[:leaks].is_a?(::Hash) ? @metadata[:leaks] : {}
        end
      end
      private_constant :Example
    end
  end
end

RSpec.configure { |config| Polyphony::Testing::RSpec.install(config) }
