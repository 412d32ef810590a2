# frozen_string_literal: true

require 'irb'
require_relative '../polyphony'

module Polyphony
  # irb in a non-blocking main fiber. Its prompt reads the terminal by Ruby's own methods, so other fibers
  # run meanwhile. What they fail with is printed, and the prompt comes back.
  module Console
    # Starts irb and returns when its user leaves it; fibers spun there are stopped then. Arguments and
    # configuration (~/.irbrc) are irb's.
    #
    # @return [void]
    # @suspends while the prompt waits
    def self.start
      $PROGRAM_NAME = 'irb'
      $stdout.sync = true
      ::IRB.setup(nil)
      Polyphony.run do
        session = Session.new(nil, ::IRB.conf[:SCRIPT])
        session.context.io.extend(Prompt)
        session.context.workspace.extend(Filter)
        session.run
      end
    end

    # Ctrl-C ends what the prompt runs, or the line it reads.
    class Session < ::IRB::Irb
      # @param arguments of IRB::Irb
      def initialize(...)
        super
        @fiber = Polyphony.current
      end

      # irb raises its exception in the fiber that happens to run when the signal comes.
      #
      # @return [void]
      # @suspends no
      def signal_handle
        super
      rescue Exception => e # rubocop:disable Lint/RescueException -- raised again, elsewhere
        raise if Polyphony.current.equal?(@fiber)

        @fiber.raise(e)
      end
    end

    # For the one object that reads the lines.
    module Prompt
      # A fiber spun at the prompt is a child of the fiber that waits here: its error is raised here.
      #
      # @return [String, nil]
      # @suspends until a line has been entered
      def gets
        terminal = $stdin.tty?
        super
      rescue StandardError, ScriptError, Cancel => e
        raise if e.is_a?(::RubyLex::TerminateLineInput)
        return if terminal && !$stdin.tty? # hung up: nobody is left to try again with

        Main::Backtrace.clean(e)
        warn "\nA fiber has failed:", e.full_message
        retry
      end
    end

    # For the one object that prints errors.
    module Filter
      # @param line [String] of a backtrace
      # @return [String, nil]
      # @suspends no
      def filter_backtrace(line)
        super unless Frames.ours?(line)
      end
    end
    private_constant :Session, :Prompt, :Filter
  end
end
