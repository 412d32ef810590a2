# frozen_string_literal: true

# Measures our web server against raw C and the other Ruby servers. `--help` tells how, benchmark/README.md what.
require_relative 'options'
require_relative 'contenders'
require_relative 'runner'
require_relative 'report'
require_relative '../support/section'

module Bench
  # @see Options
  module HTTP
    def self.main(argv)
      options = Options.new(argv)
      return list(options) if options.list?

      abort 'bench: wrk, h2load (nghttp2-client) or taskset is not installed' unless system('command -v wrk h2load taskset > /dev/null')

      finder = (options.h2? ? H2::Contenders : Contenders).new(options)
      finder.install if options.install?
      contenders = finder.all
      contenders.reject(&:present?).each { |contender| warn "#{contender.name} is skipped: #{contender.missing}" }
      measure(options, contenders, argv)
    end

    def self.measure(options, contenders, argv)
      cells = options.cells.values_at(*options.only)
      before = Machine.load
      results = Runner.new(cells, contenders, options).run
      report = (options.h2? ? H2::Report : Report).new(results, cells: cells, contenders: contenders, options: options,
                                                                loads: [before, Machine.load], argv: argv)
      puts report.tables
      return unless options.write?

      Section.write(options.out || RESULTS, report.to_s)
      warn "written to #{options.out || RESULTS}"
    end

    def self.list(options)
      puts 'Cells:', options.cells.values.map { |cell| format('  %-10s %s', cell.id, cell.title) }
      puts 'Servers:', options.known_peers.map { |name| "  #{name}" }
    end
  end
end

Bench::HTTP.main(ARGV)
