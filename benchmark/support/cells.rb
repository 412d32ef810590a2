# frozen_string_literal: true

module Bench
  # How one figure is written.
  class Cells
    NONE = '–'

    # @param by_cpu [Boolean] compare rates by the CPU time that they took
    def initialize(results, by_cpu: false)
      @results = results
      @by_cpu = by_cpu
    end

    def figure(row, contender)
      return 'fails' if @results.failed?(row, contender)

      value = @results.median(row, contender) or return NONE
      return number(value) unless row.column == :rate

      "#{number(value)} (#{number(@results.median(row, contender, :cpu_us))})"
    end

    def wanted(row) = row.wanted ? number(row.wanted) : ''

    def ratio(row, ours, other)
      value = @results.ratio(row, ours, other, @by_cpu && row.column == :rate ? :cpu_us : row.column)
      value ? format('%.2f', value) : NONE
    end

    def spread(row, ours)
      value = @results.spread(row, ours)
      value ? format('%d %%', value * 100) : NONE
    end

    def lateness(row, contender)
      late = @results.median(row, contender, :late_p50_ms) or return
      early = @results.median(row, contender, :early_ms)
      most = @results.median(row, contender, :late_max_ms)
      return format('%s up to %.1f ms EARLY', contender.name, early) if early > 0.5

      format('%s %.1f ms late (most %.1f)', contender.name, late, most)
    end

    private

    def number(value)
      return format('%.2f', value) if value < 10
      return format('%.1f', value) if value < 100

      rounded = value.round
      rounded = rounded.round(3 - rounded.digits.size) if rounded > 100_000
      rounded.to_s.gsub(/(\d)(?=(\d{3})+$)/, '\1,')
    end
  end
end
