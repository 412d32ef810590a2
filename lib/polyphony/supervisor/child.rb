# frozen_string_literal: true

require_relative 'orders'

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
      include Orders

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

      # Called by the fiber as a run begins that is not its first.
      def begun
        @begun = true
        @supervisor.wake
      end

      # @return [Boolean] whether it has begun to run again, if it ever will
      def begun?
        @begun || @state != :running
      end

      # Called by the fiber at the end of a run, before it rests.
      def run_ended(result, error, held)
        @result = result
        @error = error
        @state = held ? :held : :ended
        @asked = true
        @ended_at = Polyphony.now
        held && !error ? @supervisor.wake : @supervisor.notify(self, :rests, error, result)
      end

      # Called at the end of the fiber: it was stopped, or dismissed, or ended as it was to end.
      def gone
        @state = :gone
        @asked ? @supervisor.notify(self, :gone) : @supervisor.notify(self, :gone, @life.error, @life.result)
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

      # Called by a fiber that ends because somebody has stopped it.
      def stopped
        @stopped = true
      end

      # @return [Boolean] whether somebody has
      def stopped? = @stopped

      # @return [Boolean] whether the supervisor is to say what is next
      def undecided?
        @state == :ended || @state == :over
      end

      # @return [Boolean] whether no run is under way
      def idle?
        %i[held gone over].include?(@state)
      end

      # Which restart in a row the next one is: a run longer than +within+ begins a new row.
      #
      # @return [Integer] from 1
      def next_attempt(within)
        @attempts = @ended_at - @began > within ? 1 : @attempts + 1
      end

      private

      # It ended before it was supervised: as if it did now.
      def end_before
        @state = :over
        @supervisor.notify(self, :over, @life.error, @life.result)
      end

      # @return [false] not resting any more
      def run
        @asked = @stopped = @begun = false
        @began = Polyphony.now
        @state = :running
        false
      end
    end
    private_constant :Child
  end
end
