# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # What comes up while something ends: a fiber, a scope, a group of fibers. One of it is raised at
    # the end, and nothing is lost:
    #
    # - the first error is raised, later ones are its suppressed errors
    # - an error goes before a time limit that ran out
    # - a stop goes before an error, so that a `rescue` on the way does not swallow it; the error is
    #   the fiber's, at its end
    # - a signal, and `exit`, go before other errors
    class Unwinding
      URGENT = [::SignalException, ::SystemExit].freeze
      private_constant :URGENT

      # Keeps +late+ with +error+, or says it if that cannot be.
      #
      # @param error [Exception] one that will be raised
      # @param late [Exception]
      # @param life [Lifecycle] where +late+ came up
      def self.suppress(error, late, life)
        return Failure.report(late, life) unless Suppressed.add(error, late)

        life.knows(error)
      end

      # @param life [Lifecycle] the fiber it happens in
      # @param error [Exception, nil] what began it
      def initialize(life, error = nil)
        @life = life
        @error = @stop = @expired = @again = nil
        add(error) if error
      end

      # @return [Boolean] whether anything came up
      def any?
        !(@error || @stop || @expired).nil?
      end

      # @param error [Exception]
      # @return [void]
      def add(error)
        case error
        when Stop then @stop ||= error
        when CancelScope::Expired then @expired ? (@again ||= []).push(error.scope) : @expired = error
        else add_error(error)
        end
      end

      # @param failure [Failure] of a fiber; one that was raised here already is left out
      # @return [void]
      def add_failure(failure)
        failure.news_for(@life).each do |news|
          @life.take(news)
          add(news.error)
        end
      end

      # Runs the block until it is through, whatever interrupts it meanwhile; unless that says that there
      # is no more time.
      #
      # @yield to wait for what ends; called again after each interruption
      # @return [void]
      # @suspends as its block does
      def outlast
        yield
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised at the end
        add(e)
        retry unless @life.hurried_by?(e)
      end

      # @return [Exception, nil] what is to be raised
      def outcome
        fire_again
        return @error || @expired unless @stop

        @life.keep(@error) if @error
        @stop
      end

      # @raise [Exception] the outcome, if there is one
      # @return [void]
      def finish
        error = outcome
        raise error, cause: error.cause if error # else it would take on what is rescued here just now
      end

      private

      def add_error(error)
        if @error.nil?
          @error = error
        elsif urgent?(error) && !urgent?(@error)
          Unwinding.suppress(error, @error, @life)
          @error = error
        else
          Unwinding.suppress(@error, error, @life)
        end
      end

      def urgent?(error)
        URGENT.any? { |kind| error.is_a?(kind) }
      end

      # Of two limits one is raised now, and the other, which is around or inside it, at the next wait
      # after that: while this fiber still waits for others it would come again and again.
      def fire_again
        @again&.each { |scope| scope.reset(0) if scope.is_a?(CancelScope) }
        @again = nil
      end
    end
  end
end
