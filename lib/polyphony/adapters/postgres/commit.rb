# frozen_string_literal: true

module Polyphony
  class Postgres
    # The end of a transaction. Who stops a fiber in the midst of it could not know what has happened; so from COMMIT on
    # the fiber waits for the answer, and the stop comes at its next wait. Only where the answer does not come within a
    # few seconds after that is the connection dropped. @api private
    class Commit
      LOOK = 0.2 # seconds between two looks whether somebody wants to stop us

      # @param connection [Connection]
      def initialize(connection)
        @connection = connection
        @wire = connection.wire
        @limit = connection.cleanup_timeout
      end

      # @return [void]
      # @raise [CommitUnknown, NotCommitted, PG::Error]
      # @suspends until the answer
      def run
        Scheduler.checkpoint # who is to be stopped already is stopped before it
        failed = @wire.pg.transaction_status == ::PG::PQTRANS_INERROR
        return refuse if failed

        result = @connection.operate { Polyphony.shield { ask } }
        return if result.cmd_status == 'COMMIT'

        raise NotCommitted, "the server ended the transaction with #{result.cmd_status}"
      rescue ::PG::ConnectionBad, ::PG::UnableToSend => e
        raise e if e.is_a?(CommitUnknown) || !@asked

        raise CommitUnknown, "the connection was lost in COMMIT; whether it was done is not known: #{e.message.strip}"
      end

      private

      def refuse
        @wire.roll_back
        raise NotCommitted, 'a statement in the transaction failed and its error was rescued, after which the server ' \
                            'takes nothing but a rollback: nothing was written. Put what may fail into a transaction ' \
                            'of its own (tx.transaction { }), which is a savepoint'
      end

      def ask
        @wire.pg.send_query('COMMIT')
        @asked = true
        @wire.flush
        wait while @wire.pg.is_busy
        @wire.last_result
      end

      def wait
        return if @wire.read(LOOK) || !Lifecycle.current.task.interrupted?

        @deadline ||= Polyphony.now + @limit
        return if Polyphony.now < @deadline

        @wire.drop
        raise CommitUnknown, "no answer to COMMIT within #{@limit} s after the fiber was to end: it may have been " \
                             'done or not'
      end
    end
    private_constant :Commit

    # Transactions that the server has given up because of others are run again. @api private
    module Retries
      AGAIN = [::PG::TRSerializationFailure, ::PG::TRDeadlockDetected, ::PG::FeatureNotSupported,
               ::PG::InvalidSqlStatementName].freeze

      # @param retries [Integer]
      def self.run(retries)
        tries = 0
        begin
          yield
        rescue *AGAIN => e
          raise if (tries += 1) > retries || !worth_it?(e)

          Polyphony.backend.sleep([0.01 * (2**tries), 1].min * ::Random.rand)
          retry
        end
      end

      # What was prepared may have become stale: that is over at the second time.
      def self.worth_it?(error)
        error.is_a?(::PG::TransactionRollback) || error.message.match?(/cached plan|prepared statement/)
      end
      private_class_method :worth_it?
    end
    private_constant :Retries
  end
end
