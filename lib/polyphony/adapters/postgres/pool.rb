# frozen_string_literal: true

module Polyphony
  class Postgres
    # The connections of a database, and its end.
    module Pool
      # Hands out nothing any more, and closes the connections: idle ones at once, those in use when they come back.
      #
      # @param timeout [Numeric, nil] seconds to wait for those that use it; after that their connections are cut: they
      #   get an error when they next wait for one. nil: as long as it takes
      # @return [Boolean] whether all came back in time
      # @raise [Polyphony::Error] when the calling fiber has a connection itself
      # @raise [TypeError, ArgumentError] for a timeout that is no number of seconds
      # @suspends until all are closed, or have been cut
      def close(timeout: 5)
        Polyphony.duration(timeout, 'timeout') if timeout
        @closed = true
        [@pipelined, *listeners.values].each(&:close)
        @pool.close
        Polyphony.move_on_after(timeout) do
          @pool.close(wait: true)
          @pipelined.drain
          return true
        end
        @pipelined.close(now: true)
        WireEnding.sever(sessions.values.map(&:wire))
        false
      end

      # @return [Boolean]
      # @suspends no
      def closed? = @closed

      # @return [Hash{Symbol => Integer}] of the pool: limit, size, available, in_use, waiting, made, discarded; then
      #   pipelined: queries that went through the pipeline, batches: in so many packets, under_way: now; listening:
      #   fibers that do; connects: connections made for both; gaps: how often listening was interrupted
      # @suspends no
      def stats
        @pool.stats.merge(@counters, under_way: @pipelined.size, listening: listeners.values.sum(&:size))
      end

      # @return [String] without the password
      def inspect
        "#<#{self.class} #{@options.place}#{' closed' if @closed} size=#{@pool.size}/#{@pool.limit} " \
          "in_use=#{sessions.size} waiting=#{@pool.waiting}>"
      end

      # @api private
      # @suspends until the types are known, the first time that they are wanted
      def form(kind, typed, connection = nil)
        @forms.form(kind, typed) { connection ? connection.types : types }
      end

      private

      def using(&block) = with(&block)

      # Which fiber has which connection; in a forked child none has any.
      def sessions
        return @sessions if @pid == ::Process.pid

        Forks.notice
        @pid = ::Process.pid
        @sessions = {}.compare_by_identity
      end

      # One fiber asks for them; who has a connection asks by himself, as the other may be waiting for one.
      def types
        return with(&:types) if sessions[Lifecycle.current]

        @typing.acquire { @forms.types || with(&:types) }
      end

      def make_pool
        @suspect = 0.0
        @typing = Semaphore.new(1)
        ResourcePool.new(limit: @options.size, timeout: @options.timeout, max_age: @options.max_lifetime,
                         max_idle: @options.max_idle, check: ->(connection) { connection.wire.sound?(@suspect) },
                         close: ->(connection) { connection.wire.drop }) do
          Connection.new(Wire.new(@connector.connect, @options), self, @options)
        end
      end

      def lend(timeout)
        life = Lifecycle.current
        taken = false
        @pool.acquire(timeout: timeout) do |connection|
          taken = true
          connection.holder = life
          sessions[life] = connection
          value = yield connection
          ended = true
          value
        ensure
          give_back(connection, life, ended) if taken
        end
      rescue TimeoutError => e
        raise if taken

        raise TimeoutError, nobody_gave_back(timeout), cause: e
      end

      def give_back(connection, life, ended)
        connection.release(ended)
      ensure
        sessions.delete(life)
        discard if connection.wire.broken?
      end

      # Where one connection is lost others may be, too.
      def discard
        @suspect = Polyphony.now
        @pool.discard!
      end

      def nobody_gave_back(timeout)
        users = sessions.keys.first(5).map(&:label).join(', ')
        "no PostgreSQL connection was free within #{timeout} s: all #{@options.size} are in use, by #{users}" \
          "#{', …' if sessions.size > 5}; #{@pool.waiting} more fibers wait. Keep connections for shorter, or raise " \
          'size:'
      end
    end
  end
end
