# frozen_string_literal: true

module Polyphony
  class Supervisor
    # One supervised fiber: what its supervisor has decided about it, and how its last run ended. The
    # fiber itself reports here, on its own thread, and reads here what to do.
    #
    #   :running ──► :ended ──► :waiting ──► :running       decided, and due after the backoff
    #       │          ├──────► :dismissed ──► :gone        not to be restarted
    #       └──────► :held ───► :running                    stopped, to be restarted with others
    #   :over ──► :running, or forgotten                      ended before it was supervised
    class Child
      # @return [Lifecycle]
      attr_reader :life
      # @return [Symbol]
      attr_reader :state
      # @return [Object] of the last run
      attr_reader :result
      # @return [Exception, nil] of the last run
      attr_reader :error
      # @return [Exception, nil] an error that the supervisor has answered, with a restart or by raising it
      attr_accessor :answered

      # @param life [Lifecycle]
      # @param supervisor [Supervisor]
      def initialize(life, supervisor)
        @life = life
        @supervisor = supervisor
        @attempts = 0
        run
        end_before if life.dead?
      end

      # @return [Fiber]
      def fiber = @life.fiber

      # @return [Boolean] whether the fiber has to ask what to do after a run that ended so
      def asks?(error)
        !closing? && @supervisor.policy.may_restart?(error)
      end

      # @return [Boolean] whether the supervision ends
      def closing? = @supervisor.closing?

      # Called by the fiber at the end of a run, before it rests.
      def run_ended(result, error, held)
        @result = result
        @error = error
        @state = held ? :held : :ended
        @told = true
        @ended_at = Polyphony.now
        held && !error ? @supervisor.notify(self) : @supervisor.notify(self, error, result)
      end

      # Called at the end of the fiber: it was stopped, or dismissed, or ended as it was to end.
      def gone
        @state = :gone
        @told ? @supervisor.notify(self) : @supervisor.notify(self, @life.error, @life.result)
      end

      # Somebody has restarted it after its end.
      def resume
        run
        @life.stop_soon if closing?
      end

      # Has an ended fiber begin again.
      def revive
        @life.restart # resumes it
      end

      # @return [Boolean] whether the fiber is to wait on
      def resting?
        case @state
        when :ended, :held then true
        when :waiting then (seconds = left).nil? || seconds.positive? || run
        else false
        end
      end

      # @return [Float, nil] seconds until it is to run again; nil: the supervisor will say
      def left
        @state == :waiting && @due != ::Float::INFINITY ? @due - Polyphony.now : nil
      end

      # @return [Boolean] whether the next run is to begin
      def released? = @state == :running

      # @return [Boolean] whether no run is under way
      def idle?
        @state == :held || @state == :gone
      end

      # Which restart in a row the next one is: a run longer than +within+ begins a new row.
      #
      # @return [Integer] from 1
      def next_attempt(within)
        @attempts = @ended_at - @began > within ? 1 : @attempts + 1
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

      private

      # It ended before it was supervised: as if it did now.
      def end_before
        @state = :over
        @supervisor.notify(self, @life.error, @life.result)
      end

      # @return [false] not resting any more
      def run
        @told = false
        @began = Polyphony.now
        @state = :running
        false
      end
    end
    private_constant :Child
  end
end
