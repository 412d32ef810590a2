# frozen_string_literal: true

module Polyphony
  class ResourcePool
    # What a pool does with its resources beside handing them out.
    class Options
      # @return [#call, nil]
      attr_accessor :close

      # @raise [ArgumentError, TypeError]
      def initialize(check, close, discard_on_error, max_age, max_idle)
        @check = callable(check, 'check')
        @close = callable(close, 'close')
        @discard_on = classes(discard_on_error)
        @max_age = max_age && Polyphony.duration(max_age, 'max_age')
        @max_idle = max_idle && Polyphony.duration(max_idle, 'max_idle')
      end

      # @return [Boolean] whether the age of resources counts
      def dated? = !(@max_age || @max_idle).nil?

      # @param entry [Entry] that has been used before
      # @return [Boolean] whether it can be handed out again
      # @suspends as the check does
      def fit?(entry)
        return false if entry.stale?(@max_age, @max_idle)

        @check.nil? || (@check.call(entry.resource) ? true : false)
      rescue ::StandardError
        false # the check's way to say so: the operation it tried failed
      end

      # @param error [Exception] of the program's block
      # @return [Boolean]
      def discard_after?(error)
        @discard_on.any? { |kind| kind === error }
      end

      private

      def callable(given, name)
        return given if given.nil? || given.respond_to?(:call)

        raise ::TypeError, "#{name}: takes something to call with a resource, not #{given.inspect}"
      end

      def classes(given)
        return given ? [::Exception] : [] if [true, false, nil].include?(given)

        kinds = [*given]
        return kinds if kinds.all?(::Module)

        raise ::TypeError, "discard_on_error: takes true, false, or classes of errors, not #{given.inspect}"
      end
    end
    private_constant :Options
  end
end
