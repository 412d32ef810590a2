# frozen_string_literal: true

require 'optparse'
require_relative 'cells'
require_relative 'peers'
require_relative 'h2'

module Bench
  module HTTP
    # The command line of run.rb.
    class Options
      attr_reader :rounds, :seconds, :limit, :peers, :only, :against, :gems, :out, :server_core, :load_core, :environment

      def initialize(argv)
        @rounds = 3
        @seconds = 2
        @limit = 15
        @h2 = argv.include?('--h2')
        @peers = known_peers
        @only = cells.keys
        @against = []
        @environment = {}
        @server_core = '0'
        @load_core = '1'
        parser.parse!(argv.dup)
      end

      # Only a full run replaces the published results.
      def write? = @write.nil? ? (@only == cells.keys && @peers == known_peers && @against.empty?) : @write
      def list? = @list
      def h2? = @h2
      def cells = @h2 ? H2::CELLS : CELLS
      def known_peers = @h2 ? H2::PEERS : PEERS.keys
      def install? = @install

      private

      def parser
        OptionParser.new do |o|
          o.banner = 'Usage: ruby benchmark/http/run.rb [options]'
          selection(o)
          measuring(o)
          output(o)
          o.on('-h', '--help', 'Print this help') { puts o; exit }
        end
      end

      def selection(o)
        o.on('--peers A,B', Array, 'Which servers to run (all); --list shows them') { |l| @peers = choose(l, known_peers) }
        o.on('--only A,B', Array, 'Which cells to measure (all)') { |list| @only = choose(list, cells.keys) }
        o.on('--h2', 'HTTP/2 instead of HTTP/1, by h2load, in a chapter of its own') { nil }
        o.on('--against REV', 'Also run our own tree at this commit (or in this folder)') { |rev| @against << rev }
        o.on('--list', 'List cells and servers, run nothing') { @list = true }
      end

      def measuring(o)
        o.on('--rounds N', Integer, 'Interleaved rounds; medians count (3)') { |n| @rounds = n.clamp(1, 99) }
        o.on('--seconds N', Integer, 'How long one measurement lasts (2)') { |n| @seconds = n.clamp(1, 600) }
        o.on('--limit S', Float, 'How long a server may take to start (15)') { |s| @limit = s }
        o.on('--env NAME=VALUE', /(\w+)=(.*)/, 'Set for the servers') { |_, name, value| @environment[name] = value }
        o.on('--cores SERVER,LOAD', Array, 'Cores for server and load generator (0,1)') do |server, load|
          @server_core = server
          @load_core = load || server
        end
      end

      def output(o)
        o.on('--[no-]write', 'Rewrite benchmark/results.md (a full run does)') { |write| @write = write }
        o.on('--out FILE', 'Write the report to this file instead') { |file| @write = @out = file }
        o.on('--gems DIR', 'Where the peers are installed') { |dir| @gems = File.expand_path(dir) }
        o.on('--install', 'Install the peers first; one that does not build is named') { @install = true }
      end

      def choose(names, known)
        unknown = names - known
        unknown.empty? ? names : abort("no #{unknown.join(', ')}; there are: #{known.join(', ')}")
      end
    end
  end
end
