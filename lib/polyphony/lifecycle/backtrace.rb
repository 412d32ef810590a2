# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # What an error of a fiber shows: its own frames, without ours, then where the fiber was spun,
    # and the fiber that spun it, up to the root.
    module Backtrace
      # @param error [Exception]
      # @param life [Lifecycle] the fiber it was not rescued in
      # @return [Exception] +error+
      def self.complete(error, life)
        lines = error.backtrace
        return error if error.frozen? || lines.nil? || complete?(lines)

        error.set_backtrace(Frames.own(lines) + spin_sites(life))
        clean_causes(error)
        error
      rescue ::StandardError # a class of errors with a backtrace of its own kind: it stays as it is
        error
      end

      def self.complete?(lines)
        lines.last&.start_with?('spun at ', 'scope at ')
      end
      private_class_method :complete?

      def self.clean_causes(error)
        seen = {}.compare_by_identity
        while (error = error.cause) && !seen[error]
          seen[error] = true
          lines = error.backtrace
          error.set_backtrace(Frames.own(lines)) unless error.frozen? || lines.nil? || complete?(lines)
        end
      end
      private_class_method :clean_causes

      def self.spin_sites(life)
        sites = []
        while life&.parent
          sites << "spun at #{life.location}" unless life.location == '(polyphony)'
          sites << "scope at #{life.scope.location}" if life.scope
          life = life.parent
        end
        sites
      end
      private_class_method :spin_sites
    end
  end
end
