# frozen_string_literal: true

module Polyphony
  module CLI
    # What `polyphony --help` prints.
    module Help
      TEXT = <<~TEXT
        Usage: polyphony [OPTIONS] SCRIPT.rb [ARGUMENTS]
               polyphony [OPTIONS] -e CODE [ARGUMENTS]
               polyphony COMMAND

        Runs a Ruby program in a fiber under Polyphony's scheduler, so that `sleep`, `gets`, sockets, Queue
        and the like let other fibers run while they wait. Otherwise the program runs as under `ruby`: ARGV,
        $0, __FILE__, DATA, exit statuses and error messages are the same. It may use `spin` and all the rest
        without requiring Polyphony, and may require it too.

        Options:
          -e CODE        run CODE; may be given several times, for several lines
          -              run the program that standard input holds
          -r FEATURE     require FEATURE first
          -I FOLDER      look for libraries in FOLDER first
          -w             turn all warnings on
          -v, --version  print the version
          -h, --help     print this

        Commands:
        %<commands>s

        Examples:
          Two things at once:
            polyphony -e 'spin { 3.times { sleep 0.5; puts "tick" } }; sleep 1; puts "half way"; supervise'

          A clock that runs until Enter is pressed:
            polyphony -e 'spin { every(1) { puts Time.now } }; gets'

          An echo server for any number of clients:
            polyphony -rsocket -e 'server = TCPServer.new("127.0.0.1", 1234)
              loop { client = server.accept; spin { client.each_line { |l| client.write(l) }; client.close } }'

          A web server for the Rack app in this folder:
            polyphony serve --bind http://0.0.0.0:8080 --workers auto

          A script of your own, with its arguments:
            polyphony fetch.rb https://example.com/

        A script need not be run this way: `require 'polyphony'` at its top does the same under plain `ruby`.
        POLYPHONY_BACKEND=NAME chooses the event loop.
      TEXT
      private_constant :TEXT

      # @return [String]
      # @suspends no
      def self.text
        commands = CLI.summaries.map { |name, summary| format('  %-14s %s', name, summary) }
        format(TEXT, commands: commands.join("\n"))
      end
    end
  end
end
