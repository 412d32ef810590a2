# frozen_string_literal: true

require_relative 'request'
require_relative 'pipeline_connection'
require_relative 'pipeline_protocol'
require_relative 'pipeline_ending'

module Polyphony
  class Postgres
    # One connection on which the queries of many fibers of a thread are under way at a time, in libpq's pipeline mode:
    # what fibers ask within one round of the scheduler goes out as one packet. Each query is a transaction of its own,
    # so that an error is one fiber's only. @api private
    class Pipeline
      include PipelineConnection
      include PipelineProtocol
      include PipelineEnding

      LIMIT = 1000 # queries under way; who comes then waits
      private_constant :LIMIT

      # @param connector [Connector]
      # @param options [Options]
      # @param counters [Hash]
      def initialize(connector, options, counters)
        @connector = connector
        @options = options
        @counters = counters
        @scheduler = Scheduler.install
        @requests = []
        @wanted = 0
        @turns = Turns.new('answer from', self) { step }
        @connecting = Semaphore.new(1)
        @gate = @pushing = @closed = false
      end

      # @return [Integer] queries under way
      def size = @requests.size

      # @param sql [String]
      # @param params [Array]
      # @return [PG::Result]
      # @raise [PG::Error]
      # @suspends until the answer
      def run(sql, params)
        await(sql, params, true)
      rescue ::PG::FeatureNotSupported, ::PG::InvalidSqlStatementName => e
        raise unless @statements

        # As in Operations#again; what was not prepared fails in the same way again.
        e.is_a?(::PG::FeatureNotSupported) ? @statements.forget(sql) : @statements.clear
        await(sql, params, false)
      end

      # Nothing can be asked any more.
      #
      # @param now [Boolean] also what is under way ends
      # @return [void]
      # @suspends a second at most
      def close(now: false)
        @closed = true
        return unless now || @requests.empty?

        WireEnding.sever([@wire]) if @wire && !@requests.empty?
        ours? ? lose(Closed.new("#{inspect} was closed")) : @wire&.shut_down
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@options.place} under_way=#{@requests.size}>"
      alias label inspect

      private

      # libpq's objects are not for two threads at a time: another thread can only cut the connection.
      def ours? = @scheduler.closed? || @scheduler.equal?(Scheduler.current)

      def await(sql, params, prepare)
        life = Lifecycle.current
        Scheduler.checkpoint
        enter(life) unless ready?
        request = ask(sql, params, prepare, life)
        push
        @turns.wait(life) { request.done? }
        request.value
      ensure
        abandon(request) if request && !request.done?
      end

      def ready? = @wire && room? && (@requests.empty? ? fresh? : @wanted.positive?)

      def enter(life)
        until ready?
          raise Closed, "#{inspect} is closed" if @closed

          if room? then @requests.empty? ? connect : sweep
          else @turns.wait(life) { room? }
          end
        end
      end

      def room? = !@gate && @requests.size < LIMIT

      # Sends what has been asked, after all fibers that can run now have had their turn to ask.
      def push
        return if @pushing

        @pushing = true
        begin
          Scheduler.snooze
          @counters[:batches] += 1
          flush
          flushed = true
        ensure
          @pushing = false
          @wire&.within_limit { flush } unless flushed # others count on it
        end
      end

      # Somebody must read meanwhile, as a server that cannot send does not read either: the fiber that reads anyway, or
      # this one. Whoever takes input gives out what is in it: nobody else would see it come.
      def flush
        while (wire = @wire) # another one, after one was lost
          return if sent?(wire)
        end
      end

      def sent?(wire)
        return true if wire.pg.sync_flush

        if @turns.reader?
          wire.wait(::IO::WRITABLE, 0.1) # it may leave
        else
          @turns.read_by_the_way do
            events = wire.wait(::IO::READABLE | ::IO::WRITABLE)
            take_in(wire) if events.anybits?(::IO::READABLE)
          end
        end
        false
      rescue ::PG::Error, ::SystemCallError, ::IOError => e
        lose(e) if wire.equal?(@wire)
        false
      end
    end
    private_constant :Pipeline
  end
end
