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
        cells = CELLS.values_at(*@options[:only])
        report = Report.new(@results, cells, peers, versions, [before, Machine.load], @options)
        puts report.tables
        all = @options[:only] == CELLS.keys && @options[:peers] == PEERS.keys
        Section.write(RESULTS, report.to_s) if @options.fetch(:write, all)
      end

      private

      def parse(argv)
        OptionParser.new do |o|
          o.banner = 'Usage: ruby benchmark/websocket/run.rb [options]'
          o.on('--rounds N', Integer, 'Interleaved rounds; medians count (5)') { |n| @options[:rounds] = n }
          o.on('--seconds N', Integer, 'How long one measurement lasts (2)') { |n| @options[:seconds] = n }
          { only: CELLS, peers: PEERS }.each do |name, all|
            o.on("--#{name} A,B", Array, "Which (#{all.keys.join(', ')})") { |list| @options[name] = list & all.keys }
          end
          o.on('--gems DIR', "Where the peers' gems are") { |dir| @options[:gems] = File.expand_path(dir) }
          o.on('--[no-]write', 'Rewrite benchmark/results.md (a full run does)') { |write| @options[:write] = write }
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
        answer = { 'rate' => messages / seconds, 'cpu_us' => cpu / messages * 1e6, 'slowest_ms' => slowest * 1000,
                   'rss_mb' => server.rss / 1024.0 }
        warn format('%-10s %-12s %9.0f/s %7.2f us CPU', cell.id, peer.name, *answer.values_at('rate', 'cpu_us'))
        @results.add(cell, peer, round, answer)
      rescue Server::Failure => e
        warn format('%-10s %-12s FAILED %s', cell.id, peer.name, e.message)
        @results.add(cell, peer, round, 'failed' => e.message)
      ensure
        server&.kill
      end

      # @return [Array<Float>] messages, seconds, the slowest round, seconds of the server's CPU
      def run_load(cell, server, seconds)
        command = ['timeout', '60', 'taskset', '-c', '1', @load, *cell.arguments(server.port, seconds)]
        IO.popen([*command, { err: %i[child out] }]) do |load|
          first = load.gets
          before = server.cpu
          last = load.read
          figures = last.split.map { |figure| Float(figure, exception: false) }
          well = first == "go\n" && figures.size == 3 && figures.all? && figures.first.positive?
          raise Server::Failure, "did not get through: #{first.to_s.strip} #{last}".strip[0, 120] unless well

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
