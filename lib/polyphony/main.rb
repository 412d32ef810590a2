# frozen_string_literal: true

require_relative 'version'

module Polyphony
  # Adoption of the main script: the one clever file of the library, so here is all of it.
  #
  # **Why.** Ruby calls a fiber scheduler only from *non-blocking* fibers. The fiber in which a program
  # starts is blocking, and nothing public changes that. Yet this must work as it reads, with `gets`
  # letting the counter count:
  #
  #   require 'polyphony'
  #   spin { loop { sleep 1; puts 'tick' } }
  #   gets
  #
  # **What.** When the main script itself says `require 'polyphony'`, at its top level, then `require`
  # does not return. It reads the script again, blanks all up to and including the `require` (which has
  # run), and evaluates the rest, once, in a non-blocking fiber under a scheduler. When the rest has
  # ended, so does the process: the first, blocking evaluation never goes on behind the `require`.
  #
  # **How it stays the same script.** The rest is compiled with the script's own path, real path and line
  # numbers, at top level: `__FILE__`, `__dir__`, `require_relative`, `DATA`, `return`, `using`, `private`
  # methods and private `def`s are as ever. {Script} does the text: it keeps magic comments, and leaves a
  # `BEGIN` block out, which Ruby has run first. {Prefix} reads what the first lines left behind: their
  # local variables are handed over. {Program} compiles and runs. {Backtrace} takes our own frames out of
  # an error that ends the script; Ruby prints it and sets the exit status.
  #
  # **When not.** {Caller} finds who says `require`: a library, a test runner, `-r`, irb, `ruby -e` and
  # `ruby -` are left alone. So is a `require` inside of anything (`if`, `begin`, a method): only where
  # the lines before and the lines after each parse by themselves can a script be cut in two. Where it
  # can be cut but would change its meaning, a warning says so, and what to do. POLYPHONY_MAIN=0 turns
  # all of this off.
  #
  # **Three traps**, for who works on this file:
  # - While the rest runs, `require 'polyphony'` has not returned, and Ruby holds a lock on the feature:
  #   any other fiber or thread that requires it would wait for ever. So it is declared loaded first.
  # - The script has been parsed, and warned about, by Ruby already: the rest is compiled with warnings off.
  # - At the end `exit` runs the at_exit handlers, but they would see `$!` as a SystemExit where a script
  #   that simply ends has nil (and then Sinatra, for one, does not start): see {.finish}.
  module Main
    OFF = %w[0 false no off].freeze
    private_constant :OFF

    class << self
      # @return [String, nil] why the main script was not adopted; nil if it was
      # @suspends no
      attr_reader :declined

      # @return [Boolean] whether the main script runs in a fiber of ours
      # @suspends no
      def adopted?
        @adopted == true
      end

      # Adopts the main script, and then never returns, if it is the one that requires Polyphony.
      # Called once, as the last statement of lib/polyphony.rb.
      #
      # @param callers [Array<Thread::Backtrace::Location>] the file that is being required, and who
      #   requires it, nearest first
      # @return [void] when the script is left alone: see {.declined}
      # @raise [SystemExit] when the adopted script has ended
      # @suspends when the script does
      def adopt(callers = caller_locations(1))
        program, @declined, warning = consider(callers.drop(1))
        return warn_of(@declined) if warning
        return unless program

        @adopted = true
        $LOADED_FEATURES << callers.first.path
        run(program)
        finish
      end

      # Runs a program in a non-blocking main fiber, as `Polyphony.run` does a block, with the
      # thread's fiber-local variables as a main script sees them.
      #
      # @param program [#call, #path]
      # @return [void]
      # @raise [Exception] what the program fails with, its backtrace without our frames
      # @suspends when the program does
      def run(program)
        error = run_in_fiber(program)
        return unless error

        Backtrace.clean(error, program.path)
        # Where RubyGems has just found the gem, it is in a `rescue LoadError`: not what our error comes from.
        raise error, cause: error.cause
      end

      private

      # @return [Array] a program; or nil, why not, and whether the user must be told
      def consider(callers)
        return [nil, 'POLYPHONY_MAIN turns it off'] if OFF.include?(ENV.fetch('POLYPHONY_MAIN', nil))
        return [nil, 'a fiber scheduler is already running'] if ::Fiber.scheduler

        location = Caller.script(callers)
        script = Script.read(location) if location
        return [nil, 'it is not a top-level statement of the main script that requires polyphony'] unless script

        program = script.program
        program.is_a?(String) ? [nil, program, true] : [program]
      end

      def warn_of(reason)
        warn "polyphony: the main script is not run under the scheduler, because #{reason}. Until then `sleep` and " \
             '`gets` at its top level stop all fibers. `polyphony script.rb` and Polyphony.run { … } work too; ' \
             'POLYPHONY_MAIN=0 leaves it so without a word.'
      end

      # Ends the process as if the script had simply come to its end. The extension can do that from an
      # at_exit handler, which runs first as the last to be added; the others would see a SystemExit in `$!`.
      def finish
        at_exit { Scheduler.end_program if $!.is_a?(SystemExit) }
        exit
      end

      # Returns what the program fails with, before what a fiber of it fails with at its end.
      def run_in_fiber(program)
        errors = []
        locals = FiberLocals.get
        collect(errors) do
          Polyphony.run do
            FiberLocals.set(locals)
            collect(errors) { program.call }
          ensure
            locals = FiberLocals.get
          end
        end
        FiberLocals.set(locals)
        errors.first
      end

      def collect(errors)
        yield
      rescue Stop
        raise
      rescue Exception => e # rubocop:disable Lint/RescueException -- raised in the end
        errors << e
      end
    end
  end
end

require_relative 'main/caller'
require_relative 'main/fiber_locals'
require_relative 'main/script'
require_relative 'main/prefix'
require_relative 'main/program'
require_relative 'main/backtrace'
