# frozen_string_literal: true

module Polyphony
  # Errors that came up beside +error+: while the fiber, the scope or the group it ended was being
  # unwound, others failed, too. One error is raised, the first; these are kept with it.
  #
  # Ruby does not print them when nobody rescues +error+: Polyphony does, a line each, when the
  # program ends with it.
  #
  # @param error [Exception]
  # @return [Array<Exception>] in the order they came; empty if there are none
  # @raise [TypeError] for what is no exception
  # @suspends no
  def self.suppressed(error)
    return Suppressed.of(error) if error.is_a?(::Exception)

    raise ::TypeError, "an exception is required, not #{error.inspect}"
  end

  # Keeps them in an instance variable of the exception, which goes where it goes.
  module Suppressed
    # Lines printed for one error.
    MAX_LINES = 100

    class << self
      # @param error [Exception]
      # @return [Array<Exception>]
      def of(error)
        (error.instance_variable_get(:@polyphony_suppressed) || []).uniq(&:__id__)
      end

      # @param error [Exception]
      # @return [Integer]
      def count(error)
        error.instance_variable_get(:@polyphony_suppressed)&.size || 0
      end

      # @param error [Exception]
      # @param count [Integer]
      # @return [Array<Exception>] those after the first +count+
      def since(error, count)
        error.instance_variable_get(:@polyphony_suppressed)&.drop(count) || []
      end

      # @param error [Exception]
      # @param late [Exception]
      # @return [Boolean] false if +error+ is frozen
      def add(error, late)
        return true if within?(error, late)
        return false if error.frozen?

        list = error.instance_variable_get(:@polyphony_suppressed)
        error.instance_variable_set(:@polyphony_suppressed, list = []) unless list
        list.push(late)
        print_at_exit
        true
      end

      # Prints a line for each error that +error+, or what caused it, has suppressed.
      #
      # @param error [Exception]
      # @return [void]
      def print(error)
        lines = lines(error)
        more = lines.size - MAX_LINES
        lines = lines.first(MAX_LINES).push("polyphony: and #{more} more\n") if more.positive?
        warn(lines.join) unless lines.empty?
      end

      private

      # Whether +late+ is shown with +error+ anyway.
      def within?(error, late)
        error = error.cause until error.nil? || error.equal?(late)
        !error.nil?
      end

      def lines(error, lines = [], seen = {}.compare_by_identity)
        while error && !seen.key?(error)
          seen[error] = true
          of(error).each do |late|
            lines.push("polyphony: suppressed by #{title(error)}: #{late.backtrace&.first}: #{title(late)}\n")
            lines(late, lines, seen)
          end
          error = error.is_a?(::SystemExit) ? nil : error.cause
        end
        lines
      end

      def title(error)
        "#{error.message.to_s.lines.first&.chomp} (#{error.class})"
      end

      # Ruby prints what ends the program after its at_exit handlers have run.
      def print_at_exit
        return if @prints

        @prints = true
        at_exit { print($!) if $! }
      end
    end
  end
  private_constant :Suppressed
end
