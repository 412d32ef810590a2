# frozen_string_literal: true

module Polyphony
  class Postgres
    # Asks the server to give up what a connection is doing, by a second connection. @api private
    module Cancelling
      # @param connection [PG::Connection]
      # @return [void] the server has passed the request on; whether it comes in time shows in the answer to the query
      # @raise [PG::Error] when it could not be asked
      # @suspends until then
      def self.request(connection)
        if defined?(::PG::CancelConnection)
          encrypted(connection)
        else # built on a libpq older than 17
          failed = connection.cancel
          raise ::PG::ConnectionBad, failed if failed
        end
      end

      # As the connection itself: over TLS if that is.
      def self.encrypted(connection)
        canceller = ::PG::CancelConnection.new(connection)
        canceller.start
        step = ::PG::PGRES_POLLING_WRITING
        until step == ::PG::PGRES_POLLING_OK
          raise ::PG::ConnectionBad, canceller.error_message if step == ::PG::PGRES_POLLING_FAILED

          events = step == ::PG::PGRES_POLLING_READING ? ::IO::READABLE : ::IO::WRITABLE
          Scheduler.install.io_wait(canceller.socket_io, events, nil)
          step = canceller.poll
        end
      ensure
        canceller&.finish
      end
      private_class_method :encrypted
    end
    private_constant :Cancelling

    # Reads away what is left of a command. @api private
    module Draining
      # @param wire [Wire]
      # @return [void]
      # @raise [PG::Error] when the connection is lost
      # @suspends until all of it has come
      def self.drain(wire)
        while (result = wire.next_result)
          case result.result_status
          when ::PG::PGRES_COPY_IN then end_copy(wire)
          when ::PG::PGRES_COPY_OUT then skip_copy(wire)
          when ::PG::PGRES_COPY_BOTH then raise ::PG::ConnectionBad, 'a replication stream cannot be ended'
          end
          result.clear
        end
      end

      def self.end_copy(wire)
        wire.flush until wire.pg.sync_put_copy_end('interrupted')
        wire.flush
      rescue ::PG::Error
        raise if wire.broken? # else the server had given up the COPY before; its result follows
      end

      def self.skip_copy(wire)
        until (row = wire.pg.sync_get_copy_data(true)).nil?
          wire.read if row == false
        end
      rescue ::PG::Error
        raise if wire.broken? # else it is what ended the COPY
      end
      private_class_method :end_copy, :skip_copy
    end
    private_constant :Draining
  end
end
