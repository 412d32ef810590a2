# frozen_string_literal: true

module Polyphony
  class Supervisor
    # How long to wait before a restart: min, min * factor, min * factor ** 2, … up to max, each longer or
    # shorter by a random share, so that fibers that failed together do not come back together.
    class Backoff
      # Of the Hash form; seconds, except for factor and jitter.
      DEFAULTS = { min: 0.1, max: 30, factor: 2, jitter: 0.1, random: ::Random }.freeze
      private_constant :DEFAULTS

      # @param backoff [nil, Numeric, #call, Hash]
      # @return [Backoff, nil]
      # @raise [ArgumentError, TypeError]
      def self.for(backoff)
        case backoff
        when nil then nil
        when ::Numeric then constant(Polyphony.duration(backoff, 'backoff'))
        when ::Hash then new(checked(backoff))
        else
          return new({}, backoff) if backoff.respond_to?(:call)

          raise ::TypeError, "backoff must be seconds, a Hash, or something to call, not #{backoff.inspect}"
        end
      end

      def self.constant(seconds)
        new({}, ->(_attempt) { seconds })
      end
      private_class_method :constant

      def self.checked(options)
        unknown = options.keys - DEFAULTS.keys
        return options if unknown.empty?

        raise ::ArgumentError, "backoff knows #{DEFAULTS.keys.join(', ')}, not #{unknown.map(&:inspect).join(', ')}"
      end
      private_class_method :checked

      # @param options [Hash] see DEFAULTS
      # @param rule [#call] in place of them: gives the seconds for an attempt
      def initialize(options, rule = nil)
        @rule = rule || method(:exponential)
        options = DEFAULTS.merge(options)
        @min, @max, @factor, @jitter = %i[min max factor jitter].map do |name|
          Polyphony.duration(options[name], "backoff #{name}")
        end
        @random = options[:random]
        check
      end

      # @param attempt [Integer] which restart in a row it is, from 1
      # @return [Numeric]
      # @raise [ArgumentError, TypeError] when a rule gives no seconds
      def seconds(attempt)
        Polyphony.duration(@rule.call(attempt), 'what backoff gives')
      end

      private

      def check
        raise ::ArgumentError, "backoff max (#{@max}) is less than min (#{@min})" if @max < @min
        raise ::ArgumentError, "backoff factor must be at least 1, not #{@factor}" if @factor < 1
        raise ::ArgumentError, "backoff jitter is a share, from 0 to 1, not #{@jitter}" if @jitter > 1
        raise ::TypeError, 'backoff random must have a method rand, as Random.new(1)' unless @random.respond_to?(:rand)
      end

      def exponential(attempt)
        pause = [@min * (@factor.to_f**(attempt - 1)), @max].min
        @jitter.zero? ? pause : pause * (1 + (@jitter * ((2 * @random.rand) - 1)))
      end
    end
    private_constant :Backoff
  end
end
