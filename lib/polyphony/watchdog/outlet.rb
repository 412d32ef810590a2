# frozen_string_literal: true

module Polyphony
  class Watchdog
    # Where reports go, and how often.
    class Outlet
      # @return [Integer] reports made
      attr_reader :count

      # @param receiver [#call, #warn, #write]
      # @param every [Numeric] seconds
      # @raise [TypeError]
      def initialize(receiver, every)
        @receiver = receiver
        @every = every
        @count = @omitted = 0
        @verb = %i[call warn write].find { |verb| receiver.respond_to?(verb) } ||
                raise(::TypeError, "io must respond to write or warn: #{receiver.inspect}")
      end

      # @param report [Report]
      # @param anyway [Boolean] however long ago the last one was
      # @return [void]
      # @suspends no
      def report(report, anyway: false)
        now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
        return @omitted += 1 if @last && now - @last < @every && !anyway

        @last = now
        @count += 1
        report.omitted = @omitted
        @omitted = 0
        hand_over(report)
      end

      private

      def hand_over(report)
        case @verb
        when :call then @receiver.call(report)
        when :warn then Blocking.call { @receiver.warn(report.to_s) }
        else Blocking.call { @receiver.write("#{report}\n") }
        end
      end
    end
    private_constant :Outlet
  end
end
