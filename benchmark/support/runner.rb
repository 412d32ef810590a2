# frozen_string_literal: true

require_relative 'child'
require_relative 'hello_server'
require_relative 'results'

module Bench
  # Runs every row on every contender, round by round. Within a round the rows are shuffled, and so are the
  # contenders of a row, which run right after each other: what disturbs one then disturbs its neighbours too.
  class Runner
    def initialize(rows, contenders, options)
      @rows = rows
      @contenders = contenders.select(&:present?)
      @options = options
      @results = Results.new
    end

    # @return [Results]
    def run
      HelloServer.port if @rows.any? { |row| row.id.start_with?('http') }
      1.upto(@options.rounds) do |round|
        @rows.shuffle.each { |row| @contenders.shuffle.each { |contender| measure(row, contender, round) } }
        warn "round #{round} of #{@options.rounds} done"
      end
      @results
    end

    private

    def measure(row, contender, round)
      return unless row.body_for(PEERS.fetch(contender.peer))
      return if @results.failed?(row, contender)

      answer = Child.new(contender, row.id, @options).run
      @results.add(row, contender, round, answer)
      warn format('%-14s %-26s %s', row.id, contender.name, told(row, answer))
    end

    def told(row, answer)
      return "FAILED #{answer['failed']}" if answer['failed']

      format('%<rate>12.0f/s %<cpu>9.2f us CPU%<more>s', rate: answer['rate'], cpu: answer['cpu_us'],
             more: row.column == :kb ? format('  %.1f KB', answer['kb']) : '')
    end
  end
end
