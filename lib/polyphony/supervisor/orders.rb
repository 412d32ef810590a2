# frozen_string_literal: true

module Polyphony
  class Supervisor
    # What is done with a {Child}: by the supervisor, or by somebody else behind its back.
    module Orders
      # Somebody has restarted it after its end.
      def resume
        run
        @life.stop_soon if closing?
      end

      # Has an ended fiber begin again.
      def revive
        @life.restart # resumes it
      end

      # Have it run again.
      #
      # @param due [Float, nil] when; nil: now
      def release(due = nil)
        return if @state == :gone

        @due = due
        due ? @state = :waiting : run
        @life.wake
      end

      # As {#release}, for somebody else who wants it restarted at once: not while it waits for others.
      def hurry
        run if @state == :ended || @state == :waiting
      end

      # Have it wait for others before it runs again.
      def hold
        case @state
        when :running then @life.hold
        when :ended, :waiting then @state = :held
        end
      end

      # Have it end: with how its last run ended, if it rests.
      def finish
        case @state
        when :running then @life.stop_soon
        when :ended, :waiting, :held
          @state = :dismissed
          @life.wake
        end
      end
    end
    private_constant :Orders
  end
end
