# frozen_string_literal: true

require 'optparse'

module Bench
  module Adapters
    # The command line of run.rb.
    class Options
      attr_reader :rounds, :seconds, :limit, :rows, :out

      # @param argv [Array<String>]
      def initialize(argv)
        @rounds = 5
        @seconds = 1.0
        @limit = 60
        @rows = Row::ALL.values
        parser.parse!(argv.dup)
      end

      # A part of the whole is a trial for whoever runs it: only a full run replaces the published results.
      def write? = @write.nil? ? @rows.size == Row::ALL.size : @write
      def list? = @list

      private

      def parser
        OptionParser.new do |o|
          o.banner = 'Usage: ruby benchmark/adapters/run.rb [options]'
          o.on('--only A,B', Array, 'Which rows to run (all); patterns such as redis* too') do |names|
            @rows = choose(names)
          end
          o.on('--list', 'List rows and contenders, run nothing') { @list = true }
          o.on('--rounds N', Integer, 'Interleaved rounds; medians count (5)') { |n| @rounds = n.clamp(1, 99) }
          o.on('--seconds S', Float, 'About how long one measurement lasts (1)') { |s| @seconds = s.clamp(0.05, 60) }
          o.on('--limit S', Float, 'When a run counts as hung and is killed (60)') { |s| @limit = s }
          o.on('--[no-]write', 'Rewrite benchmark/results.md (a full run does, a part does not)') { |w| @write = w }
          o.on('--out FILE', 'Write the report to this file instead') { |file| @write = @out = file }
          o.on('-h', '--help', 'Print this help') { puts o; exit }
        end
      end

      def choose(patterns)
        patterns.flat_map do |pattern|
          found = Row::ALL.keys.select { |id| File.fnmatch(pattern, id) }
          found.empty? ? abort("no row #{pattern}; there are: #{Row::ALL.keys.join(', ')}") : Row::ALL.values_at(*found)
        end.uniq
      end
    end
  end
end
