# frozen_string_literal: true

module Bench
  # All figures of one run, by row, contender and round.
  class Results
    attr_reader :failures

    def self.median(values)
      sorted = values.sort
      middle = sorted.size / 2
      return if sorted.empty?

      sorted.size.odd? ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2.0
    end

    def initialize
      @samples = Hash.new { |hash, key| hash[key] = {} }
      @failures = {}
    end

    # @param answer [Hash] of Child#run
    def add(row, contender, round, answer)
      if answer['failed']
        @failures[[row.id, contender.name]] = answer['failed']
      else
        @samples[[row.id, contender.name]][round] = answer
      end
    end

    def failed?(row, contender) = @failures.key?([row.id, contender.name])

    # A contender that failed in any round has no figure in that row.
    def median(row, contender, column = row.column)
      return if failed?(row, contender)

      Results.median(@samples[[row.id, contender.name]].values.filter_map { |answer| answer[column.to_s] })
    end

    # @return [Float, nil] how many times better `ours` is than `other`: the median of the ratios within each round
    def ratio(row, ours, other, column = row.column)
      return if failed?(row, ours) || failed?(row, other)

      theirs = @samples[[row.id, other.name]]
      Results.median(@samples[[row.id, ours.name]].filter_map do |round, mine|
        a = mine[column.to_s]
        b = theirs[round]&.fetch(column.to_s)
        next unless a && b && a.positive? && b.positive?

        column == :rate ? a.fdiv(b) : b.fdiv(a)
      end)
    end

    # @return [Float, nil] the spread of a contender's figures: (largest - smallest) / median
    def spread(row, contender)
      values = @samples[[row.id, contender.name]].values.filter_map { |answer| answer[row.column.to_s] }
      (values.max - values.min).fdiv(Results.median(values)) if values.size > 1
    end
  end
end
