# frozen_string_literal: true

module Polyphony
  class Supervisor
    # How often fibers may be restarted, as in OTP: more than +limit+ times in +within+ seconds is too often.
    class Intensity
      # @return [Integer, Float]
      attr_reader :limit
      # @return [Numeric] seconds
      attr_reader :within

      # @param limit [Integer, Float, nil] Float::INFINITY or nil: as often as need be
      # @param within [Numeric]
      # @raise [ArgumentError, TypeError]
      def initialize(limit, within)
        @limit = limit.nil? ? ::Float::INFINITY : checked(limit)
        @within = Polyphony.duration(within, 'within')
        raise ::ArgumentError, "within must be positive, not #{within.inspect}" unless @within.positive?

        @times = []
      end

      # Notes a restart.
      #
      # @return [Boolean] whether that is one too many
      def exceeded?
        return false if @limit == ::Float::INFINITY

        now = Polyphony.now
        @times.push(now)
        @times.shift while @times.first < now - @within
        @times.size > @limit
      end

      private

      def checked(limit)
        return limit if limit == ::Float::INFINITY || (limit.is_a?(::Integer) && !limit.negative?)

        raise ::ArgumentError, 'max_restarts must be an Integer from 0, or Float::INFINITY for no limit, ' \
                               "not #{limit.inspect}"
      end
    end
    private_constant :Intensity
  end
end
