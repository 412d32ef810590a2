# frozen_string_literal: true

module Polyphony
  class Redis
    # The shared connection of a thread: a {Link}, and another when that has broken. Commands that were not sent are
    # sent again; others only if twice does no harm.
    # @api private
    class Pipe
      # @param attempts [Integer] how often a command is sent again at most
      # @param config [RedisClient::Config]
      # @yieldreturn [RedisClient] connected
      def initialize(attempts, config, &connector)
        @attempts = attempts
        @config = config
        @connector = connector
        @line = WaitingLine.new('connection to', self)
        @past = [0, 0]
        @connects = 0
      end

      # @param command [Array]
      # @param options [Hash, nil]
      # @param repeat [Boolean] whether it may be sent again when it is not known whether it was executed
      # @return [Object] the reply
      # @suspends until it is there
      def call(command, options, repeat)
        attempt = 0
        begin
          link = @link
          link = connect unless link&.open?
          link.call(command, options)
        rescue Unsent, Unanswered => e
          raise unless again?(e, repeat, attempt += 1)

          retry
        end
      end

      # @return [true]
      # @suspends no
      def close
        @closed = true
        @link&.close(Closed.new("Polyphony::Redis for #{@config.server_url} was closed"))
        true
      end

      # @return [Hash{Symbol => Integer}]
      # @suspends no
      def stats
        { calls: @past[0] + (@link&.count || 0), batches: @past[1] + (@link&.batches || 0),
          waiting: @link&.pending || 0, connects: @connects }
      end

      # @return [String]
      def inspect = @config.server_url

      private

      def again?(error, repeat, attempt)
        Scheduler.checkpoint
        (repeat || error.is_a?(Unsent)) && attempt <= @attempts && !@closed
      end

      # One fiber connects; those that come meanwhile share what it gets, be it an error.
      def connect
        attempt = @attempt
        return share(attempt) if attempt

        @attempt = attempt = Attempt.new
        begin
          attempt.link = remember(Link.new(@connector.call, @config.read_timeout))
        rescue ::StandardError => e
          attempt.error = e
          raise
        ensure
          @attempt = nil
          attempt.done = true
          @line.wake_all
        end
      end

      # What the attempt of another fiber gives. Interrupted, it gives nothing: then this one tries itself.
      def share(attempt)
        @line.wait_until(nil) { attempt.done }
        return attempt.link if attempt.link
        return connect unless attempt.error

        raise attempt.error.class.with_config(attempt.error.message, nil) if attempt.error.is_a?(::RedisClient::Error)

        raise attempt.error.dup
      end

      def remember(link)
        @past = [@past[0] + @link.count, @past[1] + @link.batches] if @link
        @connects += 1
        return @link = link unless @closed

        link.close
        raise Closed, "Polyphony::Redis for #{@config.server_url} was closed"
      end

      Attempt = ::Struct.new(:link, :error, :done)
      private_constant :Attempt
    end
    private_constant :Pipe
  end
end
