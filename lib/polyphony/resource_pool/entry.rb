# frozen_string_literal: true

module Polyphony
  class ResourcePool
    # One place of the pool, and the resource in it, once that is made.
    class Entry
      # @return [Object]
      attr_reader :resource
      # @return [Boolean] whether its place is given to another already
      attr_accessor :discarded
      # @return [Boolean] whether it was made in this process's parent
      attr_accessor :inherited

      def initialize
        @made = @discarded = @inherited = false
      end

      # @return [Boolean]
      def made? = @made

      # @param resource [Object] which has just been made
      def fill(resource)
        @resource = resource
        @made = true
        @born = @used = Polyphony.now
      end

      # @return [Object] the resource, which is the pool's no more
      def empty
        resource = @resource
        @made = false
        @resource = nil
        resource
      end

      # It comes back from use.
      def rest
        @used = Polyphony.now
      end

      # @param max_age [Numeric, nil] seconds
      # @param max_idle [Numeric, nil] seconds
      # @return [Boolean]
      def stale?(max_age, max_idle)
        return false unless max_age || max_idle

        now = Polyphony.now
        (!max_age.nil? && now - @born >= max_age) || (!max_idle.nil? && now - @used >= max_idle)
      end
    end
    private_constant :Entry
  end
end
