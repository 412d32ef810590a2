# frozen_string_literal: true

require_relative '../frames'

module Polyphony
  module Main
    # Makes the backtrace of an error that ends the script look as if Polyphony were not there. Only the
    # text changes: `backtrace_locations`, from which Ruby underlines the place, stay as they are.
    module Backtrace
      class << self
        # @param error [Exception] changed, and its causes too
        # @param path [String, nil] the `__FILE__` of a script that is a {Program}
        # @return [void]
        # @suspends no
        def clean(error, path = nil)
          seen = {}.compare_by_identity
          until error.nil? || seen[error]
            seen[error] = true
            rewrite(error, path)
            error = error.cause
          end
        end

        private

        def rewrite(error, path)
          lines = error.backtrace
          return if lines.nil? || error.frozen?

          lines = Frames.own(lines)
          error.set_backtrace(lines.map { |line| at_main(line, path) }) unless lines.empty?
        end

        # Ruby calls the frame of compiled code <compiled>.
        def at_main(line, path)
          line.start_with?("#{path}:") ? line.sub(/<compiled>(?='\z)/, '<main>') : line
        end
      end
    end
  end
end
