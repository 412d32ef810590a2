# frozen_string_literal: true

module Bench
  module Adapters
    # The databases that the rows need: those that the environment names, or else of our own, as `bin/test` has them.
    module Servers
      ROOT = File.expand_path('../..', __dir__)
      SCRIPT = <<~'BASH'
        set -euo pipefail
        . bin/lib/setup.sh
        . bin/lib/servers.sh
        trap servers_stop EXIT
        servers_start
        "$@"
      BASH

      module_function

      # @param rows [Array<Row>]
      def running?(rows) = rows.filter_map(&:server).all? { |variable| ENV[variable] }

      # Runs the program again, with servers that end with it, and exits with its status.
      def run_below(program, argv)
        command = [RbConfig.ruby, '-I', File.join(ROOT, 'lib'), '-I', File.join(ROOT, 'tmp/ext', RUBY_VERSION),
                   File.expand_path(program), *argv]
        system('bash', '-c', SCRIPT, 'bench', *command, chdir: ROOT)
        exit($?.exitstatus || 1)
      end
    end
  end
end
