# frozen_string_literal: true

# Measures our fibers against the other schedulers. `--help` tells how; benchmark/README.md tells what the rows are.
require 'json'
require 'socket'
require 'io/wait'
require_relative 'peers'
require_relative 'row'
require_relative '../support/options'
require_relative '../support/contenders'
require_relative '../support/runner'
require_relative '../support/report'
require_relative '../support/section'

module Bench
  def self.main(argv)
    options = Options.new(argv, rows: Row::ALL.keys, peers: PEERS.keys)
    return list if options.list?

    finder = Contenders.new(options)
    finder.install if options.install?
    contenders = finder.all
    contenders.reject(&:present?).each { |c| warn "#{c.name} is skipped: #{c.missing}" }
    measure(options, contenders, argv)
  end

  def self.measure(options, contenders, argv)
    rows = Row::ALL.values_at(*options.only)
    before = Machine.load
    results = Runner.new(rows, contenders, options).run
    report = Report.new(results, rows: rows, contenders: contenders, options: options,
                                 loads: [before, Machine.load], argv: argv)
    puts report.brief
    return unless options.write?

    Section.write(options.out || RESULTS, report.to_s)
    warn "written to #{options.out || RESULTS}"
  end

  def self.list
    puts 'Rows:', Row::ALL.values.map { |row| format('  %-14s %s', row.id, row.title) }
    puts 'Peers:', PEERS.keys.map { |name| "  #{name}" }
  end
end

Bench.main(ARGV)
