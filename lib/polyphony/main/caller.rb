# frozen_string_literal: true

module Polyphony
  module Main
    # Finds out which file says `require 'polyphony'`, and whether that is the program's main script.
    module Caller
      # What a caller's frame tells, and the local variables it had, or nil where they are out of reach.
      Location = Struct.new(:path, :real_path, :line, :binding)

      # RubyGems, Bundler, Bootsnap, Zeitwerk and bundled_gems put their own frames around `require`,
      # all of them named after it; without them it is one C frame. `<top (required)>` is a library.
      REQUIRE = /\A[^<]*require/
      MAIN = '<main>'
      LOADED = '<top (required)>'
      private_constant :REQUIRE, :MAIN, :LOADED

      class << self
        # @param callers [Array<Thread::Backtrace::Location>]
        # @return [Location, nil] nil unless it is the main script, in a file, that can be read again
        # @suspends no
        def script(callers)
          index = callers.index { |frame| !REQUIRE.match?(frame.base_label) }
          frame = callers[index] if index
          return unless frame && (main?(callers, index) || loaded?(callers, index)) && readable?(frame)

          Location.new(frame.path, frame.absolute_path, frame.lineno, (TOPLEVEL_BINDING if frame.label == MAIN))
        end

        private

        # Its frame is the outermost. One of `eval` with the top-level binding has the same label.
        def main?(callers, index)
          callers[index].label == MAIN && index == callers.size - 1
        end

        # `bundle exec script.rb`, `rdbg script.rb` and others set $0 to the script and load it.
        def loaded?(callers, index)
          frame = callers[index]
          frame.label == LOADED && callers[index + 1]&.base_label == 'load' &&
            File.expand_path(frame.path) == File.expand_path($PROGRAM_NAME)
        end

        # `ruby -e` and `ruby -` have no path. A pipe (`ruby <(…)`) cannot be read twice. And `ruby -n`
        # (or -p) runs the script once a line: it is not what the file says. Only there Kernel has `gsub`.
        def readable?(frame)
          path = frame.absolute_path
          path && File.file?(path) && File.readable?(path) && !Kernel.private_method_defined?(:gsub)
        end
      end
    end
  end
end
