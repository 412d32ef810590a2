# frozen_string_literal: true

require 'optparse'

module Polyphony
  module CLI
    # `polyphony serve`: the web server.
    module Serve
      # What the general help says of it.
      SUMMARY = 'a web server for config.ru, or for a handler in app.rb'

      HELP = <<~TEXT
        Usage: polyphony serve [OPTIONS] [config.ru | app.rb]

        Serves a Rack app (config.ru), or the handler that is the value of a Ruby file, as this one, app.rb:

          proc { |request| request.respond("hello from \#{request.path}\\n") }

        Without a file, config.ru or app.rb in this folder. HTTP/1.1 and HTTP/2, with TLS if there is a
        certificate. Each connection has a fiber, so a handler that waits (database, HTTP client, sleep)
        holds up nobody else. Workers are processes; one for each processor is a good number.
      TEXT

      NOTES = <<~TEXT
        A setting on the command line comes before the same one in the configuration file, and that before
        the environment. A configuration file has lines like these (docs/serving.md has them all):

            bind 'http://0.0.0.0:8080', 'unix:///run/app.sock?mode=660'
            workers :auto
            access_log 'log/access.log', format: :json
            on_worker_start { |index| MyApp.connect }

        Environment:
            WEB_CONCURRENCY     workers: a number, or auto
            PORT                listen at http://0.0.0.0:PORT
            LISTEN_FDS          sockets of systemd, served in place of PORT and the default
            NOTIFY_SOCKET       systemd, which is told when we are ready, reload, stop and live

        Signals, to the first process:
            TERM, INT   let requests finish, then end; a second one ends at once
            HUP         read configuration and app again: new workers, no connection refused
            TTIN, TTOU  one worker more, one less
            USR1        open log files again
            QUIT        print what every fiber is doing

        Examples:
            polyphony serve
            polyphony serve -b http://0.0.0.0:8080 -w auto config.ru
            polyphony serve -b https://0.0.0.0:443 --cert cert.pem --key key.pem app.rb
            polyphony serve -b unix:///run/app.sock?mode=660 --pid /run/app.pid
            polyphony serve --access-log=log/access.log --limit body_bytes=1000000 --limit header_timeout=5

        It ends with 0 when it was stopped, with 1 when it cannot start or was stopped by force, with 2 when
        the command line is wrong.
      TEXT
      private_constant :HELP, :NOTES

      class << self
        # @param arguments [Array<String>]
        # @return [void]
        # @raise [UsageError, ProgramError]
        # @suspends no: it serves until a signal
        def call(arguments)
          options = { bind: [], limits: {}, tls: {} }
          parse(options, arguments)
          return if options.delete(:done)

          configuration = configure(options)
          exit HTTP::Operation.run(configuration)
        rescue UsageError, ProgramError
          raise
        rescue ::SystemCallError, ::SocketError, Polyphony::Error => e
          raise ProgramError, e.message
        end

        private

        def parse(options, arguments)
          parser(options).parse!(arguments)
          options[:app] = arguments.shift
          raise UsageError, "one file at a time, not also #{arguments.join(' ')}" unless arguments.empty?
        rescue ::OptionParser::ParseError => e
          raise UsageError, e.message
        end

        def configure(options)
          load_server
          file = options.delete(:file)
          options.delete_if { |_, value| value.nil? || (value.respond_to?(:empty?) && value.empty?) }
          check(options)
          HTTP::Operation::Configuration.new(file: file, options: options)
        end

        # What is wrong on the command line is not a matter of the program.
        def check(options)
          options.each { |name, value| HTTP::Operation::Settings.check(name, value) }
        rescue Polyphony::Error => e
          raise UsageError, e.message
        end

        def load_server
          require_relative '../http/operation'
        rescue ::LoadError => e
          raise ProgramError, e.message
        end

        def parser(options)
          ::OptionParser.new(HELP) do |parser|
            parser.separator "\nOptions:"
            add_server(parser, options)
            add_operation(parser, options)
            parser.on('-h', '--help', 'print this') { (puts parser) || options[:done] = true }
            parser.separator "\n#{NOTES}"
          end
        end

        def add_server(parser, options)
          parser.on('-b', '--bind URL', 'http://HOST:PORT, https://HOST:PORT, unix:///PATH, fd://NUMBER;',
                    'may be repeated (default: http://127.0.0.1:9292)') { |value| options[:bind] << value }
          parser.on('--cert FILE', 'certificate (PEM, with its chain)') { |value| options[:tls][:cert] = value }
          parser.on('--key FILE', 'its key (PEM)') { |value| options[:tls][:key] = value }
          parser.on('--limit NAME=VALUE', 'a limit, in bytes or seconds; NAME=none for none: see',
                    'docs/serving.md') { |value| add_limit(options[:limits], value) }
          parser.on('--[no-]access-log[=FILE]', 'a line for each request; to standard output without FILE') do |value|
            options[:access_log] = value == true || value.nil? ? :stdout : value
          end
          parser.on('--log-format FORMAT', %i[common json], 'of the access log: common (default) or json') do |value|
            options[:access_log_format] = value
          end
        end

        def add_operation(parser, options)
          parser.on('-w', '--workers N', 'processes; auto: one for each processor; 0: all in one',
                    '(default: 1)') { |value| options[:workers] = value }
          parser.on('-c', '--config FILE', 'settings (default: config/polyphony.rb, if it is there)') do |value|
            options[:file] = value
          end
          parser.on('--grace SECONDS', Float, 'for requests under way when it ends (default: 30)') do |value|
            options[:grace] = value
          end
          parser.on('--pid FILE', 'write the number of the first process there') { |value| options[:pid_file] = value }
          parser.on('--preload', 'load the app once, before the workers are started') { options[:preload] = true }
        end

        def add_limit(limits, text)
          name, value = text.split('=', 2)
          raise UsageError, "--limit wants NAME=VALUE, not #{text}" unless value

          limits[name.to_sym] = value == 'none' ? nil : Integer(value, exception: false) || Float(value)
        rescue ::ArgumentError
          raise UsageError, "--limit #{text}: #{value} is no number"
        end
      end
    end
  end
end
