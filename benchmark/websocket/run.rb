# frozen_string_literal: true

# Measures our WebSockets against other servers'. `--help` tells how, benchmark/README.md what.
require 'optparse'
require_relative 'server'
require_relative 'report'
require_relative '../support/section'

module Bench
  # See run.rb.
  module WebSocket
    class << self
      def main(argv)
        @options = { rounds: 5, seconds: 2, only: CELLS.keys, peers: PEERS.keys, argv: argv.dup }
        parse(argv.dup)
        gem_home = Contenders.gem_home(@options[:gems])
        peers = PEERS.values_at(*@options[:peers])
        versions = peers.to_h { |peer| [peer, Server.version(peer, gem_home)] }
        versions.each { |peer, (_, missing)| warn "#{peer.name} is skipped: #{missing}" if missing }
        before = Machine.load
        measure_all(peers.reject { |peer| versions[peer].last }, gem_home)
        report = Report.new(@results, CELLS.values_at(*@options[:only]), peers, versions, [before, Machine.load], @options)
        puts report.tables
        Section.write(RESULTS, report.to_s) if @options.fetch(:write) { @options[:only] == CELLS.keys && @options[:peers] == PEERS.keys }
      end

      private

      def parse(argv)
        OptionParser.new do |o|
          o.banner = 'Usage: ruby benchmark/websocket/run.rb [options]'
          o.on('--rounds N', Integer, 'Interleaved rounds; medians count (5)') { |n| @options[:rounds] = n.clamp(1, 99) }
          o.on('--seconds N', Integer, 'How long one measurement lasts (2)') { |n| @options[:seconds] = n.clamp(1, 60) }
          o.on('--only A,B', Array, "Which cells (#{CELLS.keys.join(', ')})") { |list| @options[:only] = list & CELLS.keys }
          o.on('--peers A,B', Array, "Which servers (#{PEERS.keys.join(', ')})") { |list| @options[:peers] = list & PEERS.keys }
          o.on('--gems DIR', "Where the peers' gems are") { |dir| @options[:gems] = File.expand_path(dir) }
          o.on('--[no-]write', 'Rewrite the chapter of benchmark/results.md (a full run does)') { |write| @options[:write] = write }
        end.parse!(argv)
      end

      def measure_all(peers, gem_home)
        @load = compile
        @results = Results.new
        limit = Process.getrlimit(:NOFILE).last
        Process.setrlimit(:NOFILE, limit, limit)
        1.upto(@options[:rounds]) do |round|
          CELLS.values_at(*@options[:only]).shuffle.each do |cell|
            peers.shuffle.each { |peer| measure(cell, peer, gem_home, round) }
          end
        end
      end

      def measure(cell, peer, gem_home, round)
        server = Server.new(peer, cell.mode, gem_home, '0')
        run_load(cell, server, 1) if cell.mode == 'echo' # to warm it up
        messages, seconds, slowest, cpu = run_load(cell, server, @options[:seconds])
        answer = { 'rate' => messages / seconds, 'cpu_us' => cpu / messages * 1e6, 'slowest_ms' => slowest * 1000, 'rss_mb' => server.rss / 1024.0 }
        warn format('%-10s %-12s %9.0f/s %7.2f us CPU %8.1f MB', cell.id, peer.name, *answer.values_at('rate', 'cpu_us', 'rss_mb'))
        @results.add(cell, peer, round, answer)
      rescue Server::Failure => e
        warn format('%-10s %-12s FAILED %s', cell.id, peer.name, e.message)
        @results.add(cell, peer, round, 'failed' => e.message)
      ensure
        server&.kill
      end

      # @return [Array<Float>] messages, seconds, the slowest round, seconds of the server's CPU
      def run_load(cell, server, seconds)
        command = ['timeout', '90', 'taskset', '-c', '1', @load, *cell.arguments(server.port, seconds)]
        IO.popen([*command, { err: %i[child out] }]) do |load|
          first = load.gets
          before = server.cpu
          last = load.read
          figures = last.split.map { |figure| Float(figure, exception: false) }
          unless first == "go\n" && figures.size == 3 && figures.all? && figures.first.positive?
            raise Server::Failure, "#{first} #{last}".strip[0, 120].then { |text| text.empty? ? 'did not get that far in 90 s' : text }
          end
          figures << (server.cpu - before)
        end
      end

      def compile
        FileUtils.mkdir_p(Server::FOLDER)
        program = File.join(Server::FOLDER, "websocket-load-#{RUBY_VERSION}")
        source = File.join(__dir__, 'load.c')
        return program if File.exist?(program) && File.mtime(program) > File.mtime(source)

        system(ENV.fetch('CC', 'cc'), '-O2', '-o', program, source) or raise "could not compile #{source}"
        program
      end
    end
  end
end

Bench::WebSocket.main(ARGV)
