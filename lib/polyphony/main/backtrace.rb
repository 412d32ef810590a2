# frozen_string_literal: true

module Polyphony
  module Main
    # Makes the backtrace of an error that ends the script look as if Polyphony were not there. Only the
    # text changes: `backtrace_locations`, from which Ruby underlines the place, stay as they are.
    module Backtrace
      # Files are known by the path they were required with, and by their real path.
      OURS = [__dir__, File.dirname(__FILE__)].uniq.flat_map do |dir|
        library = "#{File.expand_path('..', dir)}/"
        [library, "spun at #{library}"]
      end.freeze
      # The scheduler's methods are written in C, so their frames name the script.
      HOOKS = %w[kernel_sleep block io_wait io_read io_write io_pread io_pwrite io_select process_wait].freeze
      HOOK = /\A(?<place>.*):in [`'](?:Polyphony::Scheduler#)?(?:#{HOOKS.join('|')})'\z/
      private_constant :OURS, :HOOKS, :HOOK

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

        # @param line [String] of a backtrace
        # @return [Boolean] whether it is of the library itself
        # @suspends no
        def ours?(line)
          line.start_with?(*OURS)
        end

        private

        def rewrite(error, path)
          lines = error.backtrace
          return if lines.nil? || error.frozen?

          others = without_native(lines.reject { |line| ours?(line) })
          return if others.empty?

          error.set_backtrace(without_hooks(others).map { |line| at_main(line, path) })
        end

        # Of our own calls of Kernel#loop and the like; a script's own have a frame of the script below.
        def without_native(lines)
          lines.each_with_index.reject do |line, index|
            below = lines[index + 1]
            line.start_with?('<internal:') && (below.nil? || below.start_with?('spun at '))
          end.map(&:first)
        end

        # `sleep` called the hook kernel_sleep: both have the place of `sleep`.
        def without_hooks(lines)
          lines.drop_while.with_index do |line, index|
            place = line[HOOK, :place]
            place && lines[index + 1]&.start_with?("#{place}:")
          end
        end

        # Ruby calls the frame of compiled code <compiled>.
        def at_main(line, path)
          line.start_with?("#{path}:") ? line.sub(/<compiled>(?='\z)/, '<main>') : line
        end
      end
    end
  end
end
