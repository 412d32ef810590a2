# frozen_string_literal: true

module Polyphony
  class Watchdog
    # A fiber that held the loop: which, for how long, and where.
    class Report
      # Places of an unfinished run that a line names.
      PLACES = 3
      private_constant :PLACES

      # @return [Fiber, nil]
      attr_reader :fiber
      # @return [Float] how long it has kept all others from running
      attr_reader :seconds
      # @return [Array<String>] where it was seen meanwhile, innermost first; empty when nobody looked
      attr_reader :backtrace
      # @return [String, nil] file, line and method of the wait that let others run; nil for {#still?},
      #   and when it ended
      attr_reader :wait
      # @return [Integer] reports that were not made since the last one, because it was not long ago
      attr_accessor :omitted

      # @api private
      def initialize(task, seconds, backtrace, wait, still)
        @fiber = Trace::Event.fiber_of(task)
        @seconds = seconds
        @backtrace = backtrace
        @wait = wait
        @still = still
        @omitted = 0
      end

      # @return [Boolean] whether it goes on
      # @suspends no
      def still?
        @still
      end

      # One line, made to be searched.
      #
      # @return [String]
      # @suspends no
      def to_s
        held = format(@still ? 'has held the loop for %.3f s' : 'held the loop for %.3f s', @seconds)
        more = "(and #{@omitted} more since the last report)" if @omitted.positive?
        ["watchdog: #{[whose, held, seen].compact.join(' ')}", until_when, more].compact.join(', ')
      end

      # @return [String]
      # @suspends no
      def inspect
        "#<#{self.class} #{self}>"
      end

      private

      def whose
        return 'the root fiber' if @fiber.nil?
        return @fiber.inspect unless @fiber.is_a?(FiberMethods)

        [Tree::Words.tag(@fiber.tag), Frames.short(@fiber.location)].compact.join(' ')
      end

      def seen
        "at #{@backtrace.first(PLACES).map { |line| Frames.short(line) }.join(' < ')}" unless @backtrace.empty?
      end

      def until_when
        return if @still

        @wait ? "until its wait at #{Frames.short(@wait)}" : 'until its end'
      end
    end
  end
end
