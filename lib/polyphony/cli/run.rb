# frozen_string_literal: true

require_relative 'source'

module Polyphony
  module CLI
    # `polyphony script.rb`, `-e code`, `-`: a program in a non-blocking main fiber, otherwise as `ruby` runs it.
    module Run
      FLAGS = { '-w' => :verbose, '-v' => :version, '--version' => :version, '-h' => :help, '--help' => :help }.freeze
      VALUES = { '-e' => :code, '-r' => :features, '-I' => :folders }.freeze
      private_constant :FLAGS, :VALUES

      class << self
        # @param arguments [Array<String>] changed: what is for the program stays
        # @return [void]
        # @raise [UsageError, ProgramError]
        # @suspends when the program does
        def call(arguments)
          options = parse(arguments)
          return puts("polyphony #{VERSION} (ruby #{RUBY_VERSION})") if options[:version]
          return help if options[:help] || nothing_to_run?(options, arguments)

          prepare(options)
          source = source_of(options, arguments)
          ARGV.replace(arguments)
          run(source)
        end

        private

        # Up to the script, as ruby does: what follows it is the script's.
        def parse(arguments)
          options = { code: [], features: [], folders: [] }
          while arguments.first&.match?(/\A-./)
            argument = arguments.shift
            break if argument == '--'

            add_option(options, argument, arguments)
          end
          options
        end

        def add_option(options, argument, arguments)
          if FLAGS.key?(argument)
            options[FLAGS[argument]] = true
          elsif VALUES.key?(argument[0, 2])
            value = argument.size > 2 ? argument[2..] : arguments.shift
            options[VALUES[argument[0, 2]]] << (value || raise(UsageError, "missing argument: #{argument}"))
          else
            raise UsageError, "invalid option: #{argument}"
          end
        end

        def nothing_to_run?(options, arguments)
          arguments.empty? && options[:code].empty? && $stdin.tty?
        end

        def help
          require_relative 'help'
          puts Help.text
        end

        def prepare(options)
          $VERBOSE = true if options[:verbose]
          folders = options[:folders].flat_map { |value| value.split(File::PATH_SEPARATOR) }
          $LOAD_PATH.unshift(*folders.map { |folder| File.expand_path(folder) })
          options[:features].each { |feature| require feature }
        end

        def source_of(options, arguments)
          return Source.code(options[:code].join("\n")) if options[:code].any?

          path = arguments.shift
          path.nil? || path == '-' ? Source.standard_input : Source.file(path)
        end

        # The names first: warnings of the compiler are printed with them.
        def run(source)
          $PROGRAM_NAME = source.path
          Main.run(source.program)
        end
      end
    end
  end
end
