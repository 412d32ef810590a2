# frozen_string_literal: true

module Polyphony
  class Postgres
    # The connection of a {Pipeline}: made when it is needed, replaced when it is lost. @api private
    module PipelineConnection
      private

      def connect
        @connecting.acquire do
          next if @wire
          raise Closed, "#{inspect} is closed" if @closed

          wire = Wire.new(@connector.connect, @options)
          wire.pg.enter_pipeline_mode
          @statements = Statements.new(@options.statement_cache)
          @preparing = {}
          @counters[:connects] += 1
          @wire = wire
        end
      end

      # Whether a connection with nothing under way can be used. Its end is seen without asking the server.
      def fresh?
        silent = Polyphony.now - @wire.heard > 1
        return true unless @wire.broken? || (silent && (old? || !quiet?))

        lose(nil)
        false
      end

      def old? = @options.max_lifetime && Polyphony.now - @wire.born > @options.max_lifetime

      def quiet?
        @wire.read(0) || true
      rescue ::PG::Error, ::SystemCallError, ::IOError
        false
      end

      # All that is under way is lost with the connection.
      #
      # @param error [Exception, nil] nil if nothing is
      def lose(error)
        lost = @requests
        wire = @wire
        @requests = []
        @wanted = 0
        @wire = nil
        wire&.drop
        lost.each do |request|
          request.error = again(error)
          request.finish
        end
        @turns.wake_all
      end

      # An exception for each: they get backtraces of their own.
      def again(error)
        return error.class.new(error.message) if error.is_a?(Closed)

        ::PG::ConnectionBad.new('the connection was lost before the answer came; whether the query was done is not ' \
                                "known: #{error&.message.to_s.b.strip}")
      end
    end
    private_constant :PipelineConnection
  end
end
