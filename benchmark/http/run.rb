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
      return list if options.list?
      abort 'bench: wrk is not installed' unless system('command -v wrk taskset > /dev/null')

      finder = Contenders.new(options)
      finder.install if options.install?
      contenders = finder.all
      contenders.reject(&:present?).each { |contender| warn "#{contender.name} is skipped: #{contender.missing}" }
      measure(options, contenders, argv)
    end

    def self.measure(options, contenders, argv)
      cells = CELLS.values_at(*options.only)
      before = Machine.load
      results = Runner.new(cells, contenders, options).run
      report = Report.new(results, cells: cells, contenders: contenders, options: options,
                                   loads: [before, Machine.load], argv: argv)
      puts report.tables
      return unless options.write?

      Section.write(options.out || RESULTS, report.to_s)
      warn "written to #{options.out || RESULTS}"
    end

    def self.list
      puts 'Cells:', CELLS.values.map { |cell| format('  %-10s %s', cell.id, cell.title) }
      puts 'Servers:', PEERS.keys.map { |name| "  #{name}" }
    end
  end
end

Bench::HTTP.main(ARGV)
