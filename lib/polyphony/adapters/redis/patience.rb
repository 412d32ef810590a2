# frozen_string_literal: true

module Polyphony
  class Redis
    # Trying again when a connection has broken, after pauses that grow. What fails before anything has worked is a
    # mistake of who set it up, and raised.
    # @api private
    class Patience
      # Seconds; each pause is up to a half longer, at random, so that not all come back at once.
      FIRST_PAUSE = 0.1
      LAST_PAUSE = 5
      private_constant :FIRST_PAUSE, :LAST_PAUSE

      # @param what [String] for the log
      def initialize(what)
        @what = what
        @failures = 0
        @worked = false
      end

      # @return [Object] the block's value
      # @raise [RedisClient::ConnectionError] when nothing has worked yet
      # @suspends as the block does, and for the pauses
      def try
        begin
          value = yield
        rescue ::RedisClient::ConnectionError => e
          raise unless @worked

          pause(e)
          retry
        end
        worked
        value
      end

      # @suspends no
      def worked
        @worked = true
        @failures = 0
      end

      private

      def pause(error)
        seconds = [FIRST_PAUSE * (2**@failures), LAST_PAUSE].min * (1 + (::Kernel.rand * 0.5))
        @failures = [@failures + 1, 10].min
        warn("Polyphony::Redis: #{@what}: #{error.message}; trying again in #{seconds.round(1)} s")
        Polyphony.backend.sleep(seconds)
      end
    end
    private_constant :Patience
  end
end
