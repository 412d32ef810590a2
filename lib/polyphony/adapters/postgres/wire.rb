# frozen_string_literal: true

module Polyphony
  class Postgres
    # A connection as the rest sees it: sends, and waits for what comes. All waiting is done here, in the scheduler of
    # whoever calls, so that libpq never blocks a thread. One fiber at a time: see {Connection}, {Pipeline} and
    # {Listener} for who that is. @api private
    class Wire
      # @return [PG::Connection]
      attr_reader :pg
      # @return [Float] when the server was last heard of, on the clock of {Polyphony.now}
      attr_accessor :heard
      # @return [Float]
      attr_reader :born

      # @param pg [PG::Connection]
      # @param options [Options]
      def initialize(pg, options)
        @pg = pg
        @options = options
        @heard = @born = Polyphony.now
        @broken = false
        Forks.add(self)
      end

      # @return [Boolean] whether it can be used no more
      def broken? = @broken || @pg.finished? || @pg.status == ::PG::CONNECTION_BAD

      # @return [Boolean] whether an answer is awaited
      def active? = @pg.transaction_status == ::PG::PQTRANS_ACTIVE

      # @param timeout [Numeric, nil] seconds
      # @return [Boolean] false when nothing came in time
      # @suspends until something has come
      def read(timeout = nil)
        return false unless Scheduler.install.io_wait(@pg.socket_io, ::IO::READABLE, timeout)

        @pg.consume_input
        true
      end

      # Sends what libpq has kept, and reads meanwhile: a server that cannot send does not read either.
      #
      # @suspends until all is sent
      def flush
        until @pg.sync_flush
          events = Scheduler.install.io_wait(@pg.socket_io, ::IO::READABLE | ::IO::WRITABLE, nil)
          @pg.consume_input if events.anybits?(::IO::READABLE)
        end
      end

      # @return [PG::Result, nil] unchecked; nil at the end of a command's
      # @suspends until it is there
      def next_result
        read while @pg.is_busy
        @pg.sync_get_result
      end

      # @return [PG::Result] the command's last
      # @raise [PG::Error] what the server answered
      # @suspends until it is there
      def last_result
        flush
        read while @pg.is_busy
        result = @pg.get_last_result
        @heard = Polyphony.now
        result
      end

      # @param sql [String]
      # @return [PG::Result]
      # @suspends until the answer
      def command(sql)
        @pg.send_query(sql)
        last_result
      end

      # Ends what is going on, so that the connection can be used again; if that is not done in a few seconds, the
      # connection is dropped. Not interrupted: it is what interruptions lead to.
      #
      # @return [void]
      # @suspends until then
      def settle
        within_limit do
          Cancelling.request(@pg)
          flush
          Draining.drain(self)
        end
      end

      # Rolls back, if there is anything to roll back.
      #
      # @param sql [String]
      # @return [void]
      # @suspends until the answer
      def roll_back(sql = 'ROLLBACK')
        return if broken?

        settle if active?
        within_limit { command(sql) } unless broken? || @pg.transaction_status == ::PG::PQTRANS_IDLE
      end

      # Runs the block to its end, for a few seconds at most, whoever wants to stop this fiber; or drops the connection.
      #
      # @return [Boolean] whether the connection is left
      def within_limit
        done = Polyphony.shield do
          Polyphony.move_on_after(@options.cleanup_timeout) do
            yield
            true
          end
        end
        done || drop
        done ? true : false
      rescue ::PG::Error, ::SystemCallError, ::IOError
        drop # which is what the error says
        false
      end

      # Whether the server still has us. Silent for a short while: looks whether it has hung up; longer: asks it.
      #
      # @return [Boolean]
      # @suspends a few seconds at most
      def sound?
        return false if broken? || !quiet?
        return true if Polyphony.now - @heard < @options.idle_check

        Polyphony.move_on_after(@options.cleanup_timeout) { command('').clear || true } ? true : false
      rescue ::PG::Error, ::SystemCallError, ::IOError
        false
      end

      # Closes the connection.
      # @return [void]
      def drop
        @broken = true
        Forks.remove(self)
        @pg.finish unless @pg.finished?
      end
      alias close drop

      # Cuts the connection under a fiber that uses it: it gets an error.
      # @return [void]
      def sever
        @broken = true
        socket = ::Socket.for_fd(@pg.socket)
        socket.autoclose = false
        socket.shutdown(::Socket::SHUT_RDWR)
      rescue ::SystemCallError, ::PG::Error
        nil # it is cut already
      end

      # The parent's connection, in a forked child: what is freed here must not say good-bye on it.
      # @return [void]
      def disown
        @broken = true
        @pg.socket_io.reopen(::File::NULL, 'r+') unless @pg.finished? || @pg.socket.negative?
      rescue ::PG::Error, ::IOError, ::SystemCallError
        nil # there is nothing to say good-bye on
      end

      private

      # @return [Boolean] false if the server has closed it
      def quiet?
        read(0) || true
      end
    end
    private_constant :Wire
  end
end
