# frozen_string_literal: true

require_relative '../polyphony'

module Polyphony
  # The command `polyphony`. A command is a file in cli/ that defines a module with a SUMMARY and a
  # `call(arguments)`, and a line in COMMANDS; anything else on the command line is a script to run.
  module CLI
    # Name to file and module.
    COMMANDS = { 'irb' => %i[irb IRB], 'serve' => %i[serve Serve] }.freeze

    # The command line cannot be understood; the message says why.
    class UsageError < Error; end

    # The program to run cannot be read; the message says why, as Ruby does.
    class ProgramError < Error; end

    class << self
      # Runs the command line. Returns when the program has come to its end.
      #
      # @param arguments [Array<String>] ARGV: what is for the program stays in there
      # @return [void]
      # @raise [SystemExit] with status 2 when the command line is wrong, 1 when the program is not there
      # @raise [Exception] what the program fails with
      # @suspends when the program does
      def start(arguments)
        command = COMMANDS[name = arguments.first]
        return load_run.call(arguments) unless command

        arguments.shift
        load_command(*command).call(arguments)
      rescue UsageError => e
        abort_with(2, "#{e.message}\nTry `polyphony #{"#{name} " if command}--help`.")
      rescue ProgramError => e
        abort_with(1, e.message)
      end

      # @return [Hash{String=>String}] commands, and what they do
      # @suspends no
      def summaries
        COMMANDS.to_h { |name, command| [name, load_command(*command)::SUMMARY] }
      end

      private

      def load_command(file, name)
        require_relative "cli/#{file}"
        const_get(name)
      end

      def load_run
        load_command(:run, :Run)
      end

      def abort_with(status, message)
        warn "polyphony: #{message}"
        exit status
      end
    end
  end
end
