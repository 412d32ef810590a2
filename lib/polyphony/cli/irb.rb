# frozen_string_literal: true

module Polyphony
  module CLI
    # `polyphony irb`: fibers go on while the prompt waits for you.
    module IRB
      # What the help says of it.
      SUMMARY = 'a console (irb) in which fibers run while the prompt waits'

      # @param arguments [Array<String>] for irb
      # @return [void]
      # @suspends when the console waits
      def self.call(arguments)
        require_relative '../console'
        ARGV.replace(arguments)
        Console.start
      rescue LoadError => e
        raise ProgramError, "#{e.message}: `gem install irb` first"
      end
    end
  end
end
