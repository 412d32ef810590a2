# frozen_string_literal: true

require_relative 'pipeline'

module Polyphony
  class Postgres
    # Queries of many fibers over one connection, in one round trip: what {Postgres#pipelined} gives, and what a
    # database with `pipeline: true` does by itself. For short queries that depend on nothing but their parameters: a
    # long one holds up those behind it, and one whose fiber is stopped is cancelled on the server only if nobody else
    # waits.
    class Pipelined
      include Queries
      include Notifying

      # @api private
      def initialize(database, options, connector, counters)
        @database = database
        @options = options
        @connector = connector
        @counters = counters
        @lanes = {}.compare_by_identity
        @pid = ::Process.pid
      end

      # @see Queries#query
      # @return [PG::Result, Array<Hash>, Array<Array>]
      # @raise [PG::Error] and the others of {Queries#query}
      # @raise [ArgumentError] for BEGIN, SET, LISTEN, COPY and the like, which need a connection of one's own
      # @suspends until the answer is there
      def query(sql, *params, as: nil, types: nil)
        form = @database.form(as, types)
        form.of(lane.run(sql, params))
      end

      # @return [Integer] queries under way, in all threads
      # @suspends no
      def size = all.values.sum { |lanes| lanes.sum(&:size) }

      # @return [String]
      def inspect = "#<#{self.class} #{@options.place} under_way=#{size}>"

      # @api private
      # @suspends no
      def close(now: false)
        @closed = true
        all.each_value { |lanes| lanes.each { |lane| lane.close(now: now) } }
      end

      # @api private
      # @suspends until nothing is under way
      def drain
        Polyphony.backend.sleep(0.01) until size.zero?
      end

      private

      def using(&block) = @database.with(&block)

      # libpq's objects are not for two threads at a time, so each thread has its own.
      def lane
        raise Closed, "#{@database.inspect} is closed" if @closed

        scheduler = Scheduler.install
        lanes = all[scheduler] || make(scheduler)
        lanes.size == 1 ? lanes.first : lanes.push(lanes.shift).min_by(&:size)
      end

      # In a forked child there are none.
      def all
        return @lanes if @pid == ::Process.pid

        Forks.notice
        @pid = ::Process.pid
        @lanes = {}.compare_by_identity
      end

      def make(scheduler)
        @lanes.delete_if { |old, lanes| old.closed? && lanes.each { |lane| lane.close(now: true) } }
        count = @options.pipeline.is_a?(::Integer) ? @options.pipeline : 1
        @lanes[scheduler] = Array.new(count) { Pipeline.new(@connector, @options, @counters) }
      end
    end
  end
end
