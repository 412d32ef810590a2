# frozen_string_literal: true

module Polyphony
  class ResourcePool
    # Closing resources that the pool has no more use for.
    module Disposal
      private

      # Closes the resource and frees its place.
      def forsake(entry)
        retire(entry) if entry.made?
      ensure
        free_place unless entry.discarded
        @closers.wake_all if @closed
      end

      # A broken resource often cannot be closed properly: no reason to fail who wanted one.
      def retire(entry)
        close_resource(entry)
      rescue ::StandardError => e
        warn("Polyphony::ResourcePool: closing a resource failed: #{e.full_message(highlight: false)}")
      end

      def close_resource(entry)
        resource = entry.empty
        return if entry.inherited

        @discarded += 1
        @options.close&.call(resource)
      end

      # @param entries [Array<Entry>] idle ones
      # @raise [StandardError] the first error
      def close_all(entries)
        errors = entries.filter_map { |entry| close_idle(entry) }
        return if errors.empty?

        first, *others = errors
        others.each { |error| Suppressed.add(first, error) }
        raise first
      ensure
        entries.each { |entry| forsake(entry) if entry.made? } # after an interruption
      end

      # @return [StandardError, nil]
      def close_idle(entry)
        close_resource(entry)
        nil
      rescue ::StandardError => e
        e
      ensure
        free_place
        @closers.wake_all
      end
    end
    private_constant :Disposal
  end
end
