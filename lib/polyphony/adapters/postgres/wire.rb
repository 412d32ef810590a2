# frozen_string_literal: true

require 'socket'

module Polyphony
  class Postgres
    # A connection as the rest sees it: sends, and waits for what comes. All waiting is done here, in the scheduler of
    # whoever calls, so that libpq never blocks a thread. One fiber at a time: see {Connection}, {Pipeline} and
    # {Listener} for who that is. @api private
    class Wire
      include WireEnding

      SILENCE = 1 # seconds after which one looks before one uses it
      private_constant :SILENCE

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

      # @param error [PG::ServerError]
      # @return [Boolean] whether the server ends the session after it
      def fatal?(error)
        %w[FATAL PANIC].include?(error.result&.error_field(::PG::PG_DIAG_SEVERITY_NONLOCALIZED))
      end

      # @param events [Integer]
      # @param timeout [Numeric, nil] seconds
      # @return [Integer, false] those that are there; false when the time is over
      # @suspends until then
      def wait(events, timeout = nil)
        Scheduler.install.io_wait(@pg.socket_io, events, timeout)
      end

      # @param timeout [Numeric, nil] seconds
      # @return [Boolean] false when nothing came in time
      # @suspends until something has come
      def read(timeout = nil)
        return false unless wait(::IO::READABLE, timeout)

        @pg.consume_input
        true
      end

      # @return [String] what can be read, which stays to be read
      def peek
        socket = ::Socket.for_fd(@pg.socket)
        socket.autoclose = false
        socket.recv_nonblock(8192, ::Socket::MSG_PEEK, exception: false).then { |data| data.is_a?(::String) ? data : '' }
      end

      # Sends what libpq has kept, and reads meanwhile: a server that cannot send does not read either.
      #
      # @suspends until all is sent
      def flush
        until @pg.sync_flush
          events = wait(::IO::READABLE | ::IO::WRITABLE)
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

      # Whether the server still has us. After a pause looks whether it has hung up, after a longer one asks it.
      #
      # @param suspect [Float] when another connection was lost: this one may be as well
      # @return [Boolean]
      # @suspends a few seconds at most
      def sound?(suspect = 0.0)
        return false if broken?

        idle = Polyphony.now - @heard
        return true if idle < SILENCE && @heard > suspect

        quiet? && (idle < @options.idle_check || answering?)
      rescue ::PG::Error, ::SystemCallError, ::IOError
        false
      end

      private

      # @raise [PG::Error] if the server has closed it
      def quiet?
        read(0) || true
      end

      def answering?
        Polyphony.move_on_after(@options.cleanup_timeout, with_value: false) do
          command('').clear
          true
        end
      end
    end
    private_constant :Wire
  end
end
