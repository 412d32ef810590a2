# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # What an error of a fiber shows: its own frames, without ours, then where the fiber was spun,
    # and the fiber that spun it, up to the root.
    module Backtrace
      INTERNAL = "#{::File.expand_path('..', __dir__)}/"
      private_constant :INTERNAL

      # @param error [Exception]
      # @param life [Lifecycle] the fiber it was not rescued in
      # @return [Exception] +error+
      def self.complete(error, life)
        lines = error.backtrace
        return error if lines.nil? || error.frozen? || lines.last&.start_with?('spun at ')

        error.set_backtrace(own(lines) + spin_sites(life))
        error
      end

      def self.own(lines)
        lines.reject { |line| line.start_with?(INTERNAL) }
      end
      private_class_method :own

      def self.spin_sites(life)
        sites = []
        while life&.parent
          sites << "spun at #{life.location}" unless life.location.start_with?(INTERNAL)
          life = life.parent
        end
        sites
      end
      private_class_method :spin_sites
    end
  end
end
