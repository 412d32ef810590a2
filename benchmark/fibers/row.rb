# frozen_string_literal: true

module Bench
  # One benchmark: an id, what one operation of it is, and its body.
  #
  # A stock row has one body for everybody, written with Ruby's own classes; an own row has one body per dialect,
  # each saying the same thing in that library's own words. A body gets `n`, returns the number of operations that
  # it does, and registers what must be true in the end with `check`.
  class Row
    ALL = {} # filled by the files in rows/

    attr_reader :id, :title, :unit, :fixed, :wanted, :over_async, :column

    # @param unit [String] what one operation is
    # @param fixed [Integer, nil] the n to use; nil: as many as fill the time given to a measurement
    # @param wanted [Numeric, nil] the bar that was set for this row, in the row's column, on another day
    # @param over_async [Float, nil] the same bar as a multiple of what async did on that day
    # @param column [Symbol] the figure that is compared: :rate, :cpu_us or one that the body puts into `extra`
    def initialize(id, title, unit:, fixed: nil, wanted: nil, over_async: nil, column: :rate, **bodies, &stock)
      @id = id
      @title = title
      @unit = unit
      @fixed = fixed
      @wanted = wanted
      @over_async = over_async
      @column = column
      @bodies = bodies
      @stock = stock
    end

    def own? = @stock.nil?

    # @return [Proc, nil] what this peer runs; nil if its library has no such call
    def body_for(peer) = @stock || @bodies[peer.dialect]
  end

  def self.row(id, title, **options, &body)
    Row::ALL[id] = Row.new(id, title, **options, &body)
  end

  # In the order of the report.
  %w[fibers messages locks io backend http].each { |file| require_relative "rows/#{file}" }
end
