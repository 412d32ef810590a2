# frozen_string_literal: true

require 'optparse'

module Bench
  # The command line of run.rb.
  class Options
    attr_reader :rounds, :seconds, :limit, :peers, :only, :against, :gems, :out, :cpu, :environment

    # @param argv [Array<String>]
    # @param rows, peers [Array<String>] what there is to choose from
    def initialize(argv, rows:, peers:)
      @rows = rows
      @known_peers = peers
      @rounds = 3
      @seconds = 0.7
      @limit = 30
      @peers = peers
      @only = rows
      @against = []
      @environment = {}
      @write = nil
      parser.parse!(argv.dup)
    end

    # A part of the whole is a trial for whoever runs it: only a full run replaces the published results.
    def write? = @write.nil? ? (@only == @rows && @peers == @known_peers && @against.empty?) : @write

    # On a machine that others use, CPU time is the fairer measure.
    def by_cpu? = @by_cpu
    def list? = @list
    def install? = @install

    private

    def parser
      OptionParser.new do |o|
        o.banner = 'Usage: ruby benchmark/fibers/run.rb [options]'
        o.separator ''
        selection(o)
        measuring(o)
        output(o)
        o.on('-h', '--help', 'Print this help') { puts o, '', examples; exit }
      end
    end

    def selection(o)
      o.on('--peers A,B', Array, 'Which to run beside polyphony (all); --list shows them') do |names|
        @peers = [OURS, *choose(names, @known_peers, 'peer')].uniq
      end
      o.on('--only A,B', Array, 'Which rows to run (all); patterns such as pairs* too') do |names|
        @only = choose(names, @rows, 'row')
      end
      o.on('--against REV', 'Also run our own tree at this commit (or in this folder); may be repeated') do |revision|
        @against << revision
      end
      o.on('--list', 'List rows and peers, run nothing') { @list = true }
    end

    def measuring(o)
      o.on('--rounds N', Integer, 'Interleaved rounds; medians count (3)') { |n| @rounds = n.clamp(1, 99) }
      o.on('--seconds S', Float, 'About how long one measurement lasts (0.7)') { |s| @seconds = s.clamp(0.05, 60) }
      o.on('--limit S', Float, 'When a run counts as hung and is killed (30)') { |s| @limit = s }
      o.on('--by-cpu', 'Ratios by CPU time instead of rate: for a machine that others use') { @by_cpu = true }
      o.on('--env NAME=VALUE', /(\w+)=(.*)/, 'Set for every child; may be repeated') do |_, name, value|
        @environment[name] = value
      end
      o.on('--cpu LIST', 'Run the children on these cores only, as in taskset -c LIST') { |list| @cpu = list }
    end

    def output(o)
      o.on('--[no-]write', 'Rewrite benchmark/results.md (a full run does, a part does not)') { |w| @write = w }
      o.on('--out FILE', 'Write the report to this file instead') { |file| @write = @out = file }
      o.on('--gems DIR', 'Where the peers are installed') { |dir| @gems = File.expand_path(dir) }
      o.on('--install', 'Install the peers first; one that does not build is named') { @install = true }
    end

    def choose(patterns, names, what)
      patterns.flat_map do |pattern|
        found = names.select { |name| File.fnmatch(pattern, name) }
        found.empty? ? abort("no #{what} #{pattern}; there are: #{names.join(', ')}") : found
      end.uniq
    end

    def examples
      <<~TEXT
        Examples:
          everything, into results.md  ruby benchmark/fibers/run.rb --rounds 5
          a quick look at two rows     ruby benchmark/fibers/run.rb --only sleep0,queue --peers async
          did my change help?          ruby benchmark/fibers/run.rb --only queue --peers polyphony --against HEAD
      TEXT
    end
  end
end
