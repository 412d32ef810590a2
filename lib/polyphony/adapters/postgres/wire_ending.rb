# frozen_string_literal: true

module Polyphony
  class Postgres
    # How what goes on over a connection ends, and the connection itself. @api private
    module WireEnding
      # Ends what is going on, so that the connection can be used again; if that is not done in a few seconds, the
      # connection is dropped. Not interrupted: it is what interruptions lead to.
      #
      # @return [void]
      # @suspends until then
      def settle
        within_limit do
          @pg.sync_flush
          pause = 0.05
          # A request that came before the query did was in vain.
          until drained_within?(pause)
            pause *= 2
          end
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

      # Closes the connection.
      # @return [void]
      def drop
        @broken = true
        Forks.remove(self)
        @pg.finish unless @pg.finished?
      end
      alias close drop

      # Cuts connections under fibers that use them: they get an error. What they were doing is cancelled, if the server
      # hears of it within a second.
      #
      # @param wires [Array<Wire>]
      # @return [void]
      # @suspends that long at most
      def self.sever(wires)
        Polyphony.move_on_after(1) do
          wires.each do |wire|
            Cancelling.request(wire.pg)
          rescue ::PG::Error, ::SystemCallError, ::IOError
            nil # it is cut all the same
          end
        end
      ensure
        wires.each(&:shut_down)
      end

      # The parent's connection, in a forked child: what is freed here must not say good-bye on it.
      # @return [void]
      def disown
        @broken = true
        @pg.socket_io.reopen(::File::NULL, 'r+') unless @pg.finished? || @pg.socket.negative?
      rescue ::PG::Error, ::IOError, ::SystemCallError
        nil # there is nothing to say good-bye on
      end

      # From any thread: who uses it gets an error.
      # @return [void]
      def shut_down
        @broken = true
        socket = ::Socket.for_fd(@pg.socket)
        socket.autoclose = false
        socket.shutdown(::Socket::SHUT_RDWR)
      rescue ::SystemCallError, ::PG::Error
        nil # it is cut already
      end

      private

      def drained_within?(seconds)
        Cancelling.request(@pg)
        Polyphony.move_on_after(seconds, with_value: false) do
          flush
          Draining.drain(self)
          true
        end
      end
    end
    private_constant :WireEnding
  end
end
