# frozen_string_literal: true

module Polyphony
  module HTTP
    # What a connection is doing, for the time limits. They are looked after once a second, for all connections
    # together (see Server), so that a request costs neither a timer nor a look at the clock: whoever is found
    # in the same phase of the same step again and again has been there for so long.
    # @api private
    module Phases
      # Raised in a handler that takes too long. No StandardError: handlers must not swallow it.
      class Overdue < ::Exception # rubocop:disable Lint/InheritException -- see above
        # @return [Integer] which request of the connection it is meant for
        attr_reader :exchange

        def initialize(exchange)
          @exchange = exchange
          super('the handler took too long')
        end
      end

      LIMITS = { idle: :idle_timeout, header: :header_timeout, body: :body_timeout, handler: :handler_timeout,
                 write: :write_timeout }.freeze
      private_constant :LIMITS

      # @return [Symbol] :idle, :header, :handler, :body, :write, or :stream while an answer is sent in pieces
      attr_reader :phase

      # Called once a second: ends what took too long.
      #
      # @param now [Float]
      # @return [void]
      def check_time(now)
        unsent = @transport.unsent if @phase == :write
        stands_still?(unsent) ? rest : note(now, unsent)
        limit = limit_of(@phase)
        end_phase unless limit.nil? || now - @since <= limit || @overdue
      end

      private

      # Seconds that a connection without a request stays open while the server stops.
      PARTING = 1
      private_constant :PARTING

      # Compared one by one, as thousands of connections would leave an Array each behind every second.
      def stands_still?(unsent)
        @seen_phase == @phase && @seen_served == @served && @seen_step == @step && @seen_unsent == unsent
      end

      def note(now, unsent)
        @seen_phase = @phase
        @seen_served = @served
        @seen_step = @step
        @seen_unsent = unsent
        @since = now
        @rested = false
      end

      def limit_of(phase)
        return PARTING if @draining && phase == :idle

        name = LIMITS[phase]
        name && @limits.public_send(name)
      end

      # Somebody who does nothing for a while gives back what memory it can.
      def rest
        return if @rested || !(@phase == :idle || @phase == :upgraded)

        @rested = true
        @rack = nil # which is made again in a microsecond
        @parser.trim
        @writer.trim
        @task&.trim_stack
      end

      # Who reads gets the end of the stream, after what has come already; who writes gets an error.
      def end_phase
        @overdue = @phase
        return @fiber.raise(Overdue.new(@served)) if @phase == :handler

        peer if @phase == :write # while it can be asked who it is
        @transport.shutdown(@phase == :write)
      rescue DeadFiber
        nil
      end

      # At the end of the connection, in its own fiber: a log that takes no more must not stop the clock.
      def say_why_cut
        @server.log.warn("#{peer}: it has taken nothing for #{@limits.write_timeout} s: closed") if @overdue == :write
      end

      # The limit ran out just as the handler returned: its exception must not strike what comes next.
      def late
        task = Scheduler.task
        pending = task.take_pending
        pending&.each { |error| task.interrupt(error) unless error.is_a?(Overdue) }
        @overdue = nil if @overdue == :handler
      end
    end
  end
end
