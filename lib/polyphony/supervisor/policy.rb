# frozen_string_literal: true

module Polyphony
  class Supervisor
    # The options of `supervise`, checked.
    class Policy
      # What `restart:` may be, and what it means.
      RESTARTS = { nil => nil, false => nil, true => :always, always: :always, permanent: :always, on_error: :on_error,
                   transient: :on_error, temporary: :temporary }.freeze
      # What `strategy:` may be.
      STRATEGIES = %i[one_for_one one_for_all rest_for_one].freeze
      # Options that mean something only with restarts, and their defaults.
      LIMITS = { strategy: :one_for_one, max_restarts: 3, within: 5, backoff: nil }.freeze
      private_constant :RESTARTS, :LIMITS

      # @return [Symbol]
      attr_reader :strategy
      # @return [Numeric, nil] seconds that a fiber gets for its `ensure` blocks; nil: any time
      attr_reader :shutdown
      # @return [Intensity]
      attr_reader :intensity

      # @param restart [nil, true, Symbol, #call]
      # @param shutdown [Numeric, nil]
      # @param forever [Boolean]
      # @param limits [Hash] see LIMITS
      # @raise [ArgumentError, TypeError]
      def initialize(restart: nil, shutdown: nil, forever: false, **limits)
        @restart = checked_restart(restart)
        @shutdown = shutdown && Polyphony.duration(shutdown, 'shutdown')
        @forever = forever
        check_limits(limits)
        limits = LIMITS.merge(limits)
        @strategy = checked_strategy(limits[:strategy])
        @intensity = Intensity.new(limits[:max_restarts], limits[:within])
        @backoff = Backoff.for(limits[:backoff])
      end

      # @return [Boolean] whether to go on when nothing is left to supervise
      def forever? = @forever

      # @return [Boolean] whether fibers may be restarted at all
      def restarts?
        !(@restart.nil? || @restart == :temporary)
      end

      # @param error [Exception, nil] what a run failed with
      # @return [Boolean] whether a fiber whose run ended so might be restarted
      def may_restart?(error)
        case @restart
        when :always then true
        when :on_error then !error.nil?
        else restarts?
        end
      end

      # @return [Boolean] whether it is to be restarted
      def restart?(fiber, error, result)
        rule = @restart
        rule = checked_restart(rule.call(fiber, error || result)) if rule.respond_to?(:call)
        rule == :always || (rule == :on_error && !error.nil?)
      end

      # @return [Boolean] whether errors concern nobody but the fiber
      def temporary? = @restart == :temporary

      # @param child [Child] that is to be restarted
      # @return [Numeric] seconds to wait before
      def delay(child)
        @backoff ? @backoff.seconds(child.next_attempt(@intensity.within)) : 0
      end

      private

      def checked_restart(rule)
        return rule if rule.respond_to?(:call)

        RESTARTS.fetch(rule) do
          raise ::ArgumentError, 'restart must be nil, :always (or true), :on_error, :temporary or something to ' \
                                 "call, not #{rule.inspect}"
        end
      end

      def check_limits(limits)
        unknown = limits.keys - LIMITS.keys
        raise ::ArgumentError, "unknown option of supervise: #{unknown.map(&:inspect).join(', ')}" unless unknown.empty?
        return if limits.empty? || restarts?

        raise ::ArgumentError, "#{limits.keys.map { |key| "#{key}:" }.join(', ')} without restarts: add " \
                               'restart: :always or restart: :on_error'
      end

      def checked_strategy(strategy)
        return strategy if STRATEGIES.include?(strategy)

        words = STRATEGIES.map(&:inspect).join(', ')
        raise ::ArgumentError, "strategy must be one of #{words}, not #{strategy.inspect}"
      end
    end
    private_constant :Policy
  end
end
