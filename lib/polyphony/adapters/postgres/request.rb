# frozen_string_literal: true

module Polyphony
  class Postgres
    # One command of a {Pipeline}, from when it is sent until its answer is complete. @api private
    class Request
      # @return [Lifecycle, nil] who waits for it; nil: nobody does
      attr_reader :life
      # @return [Exception, nil]
      attr_accessor :error

      # @param life [Lifecycle, nil]
      # @yieldparam result [PG::Result, nil] instead of anybody's waiting; nil when the connection is lost
      def initialize(life, &done)
        @life = life
        @on_done = done
        @done = false
      end

      # @return [Boolean]
      def done? = @done

      # @return [Boolean] whether anybody waits for it
      def wanted? = !@life.nil?

      # @return [void]
      def abandon = @life = nil

      # @param result [PG::Result] the first counts: what follows a failed one says only that it is skipped
      def take(result)
        @result = result unless @result
      end

      # The answer is complete.
      def finish
        @done = true
        @on_done&.call(@result)
        @life ? @life.wake : @result&.clear
      end

      # @return [PG::Result]
      # @raise [PG::Error]
      def value
        raise @error if @error

        @result.check
        @result
      end
    end
    private_constant :Request
  end
end
