# frozen_string_literal: true

module Polyphony
  class Trilogy
    # Transactions and savepoints of a Connection.
    module Transactions
      ISOLATION = { read_uncommitted: 'READ UNCOMMITTED', read_committed: 'READ COMMITTED',
                    repeatable_read: 'REPEATABLE READ', serializable: 'SERIALIZABLE' }.freeze
      private_constant :ISOLATION

      # @return [Boolean]
      def transaction? = @depth.positive?

      # @return [Object] the block's value
      # @suspends as its block does
      def transaction(isolation, &block)
        return savepoint(isolation, &block) if transaction?

        level = isolation && ISOLATION.fetch(isolation) do
          raise ::ArgumentError, "isolation is one of #{ISOLATION.keys}, not #{isolation.inspect}"
        end
        query("SET TRANSACTION ISOLATION LEVEL #{level}") if level
        within('BEGIN', 'COMMIT', 'ROLLBACK', &block)
      end

      private

      def savepoint(isolation, &block)
        raise ::ArgumentError, 'the isolation of a transaction is set where it begins' if isolation

        name = "polyphony_#{@depth}"
        within("SAVEPOINT #{name}", "RELEASE SAVEPOINT #{name}", "ROLLBACK TO SAVEPOINT #{name}", &block)
      end

      def within(start, finish, undo)
        query(start)
        @depth += 1
        begin
          value = yield
          query(finish)
          done = true
        ensure
          @depth -= 1
          undo(undo) unless done
        end
        value
      rescue Rollback
        nil
      end

      # Whatever goes wrong with it, the server rolls back when the connection ends.
      def undo(sql)
        return if @spoiled

        done = Polyphony.shield { Polyphony.move_on_after(grace) { query(sql) } }
        @spoiled = true unless done
      rescue ::Trilogy::Error
        @spoiled = true
      end
    end
    private_constant :Transactions
  end
end
