# frozen_string_literal: true

module Polyphony
  class SQLite3
    # Transactions and savepoints of a Connection.
    module Transactions
      MODES = { immediate: 'BEGIN IMMEDIATE', deferred: 'BEGIN DEFERRED', exclusive: 'BEGIN EXCLUSIVE' }.freeze
      private_constant :MODES

      # @return [Boolean]
      def transaction? = @depth.positive?

      # @param mode [Symbol]
      # @return [Object] the block's value
      # @raise [ArgumentError]
      # @suspends as its block does
      def transaction(mode, &block)
        start = MODES.fetch(mode) { raise ::ArgumentError, "mode is one of #{MODES.keys}, not #{mode.inspect}" }
        return within(start, 'COMMIT', :undo, &block) unless transaction?

        within("SAVEPOINT polyphony_#{@depth}", "RELEASE polyphony_#{@depth}", :undo_savepoint, &block)
      end

      private

      def within(start, finish, undo)
        run(start)
        @depth += 1
        begin
          value = yield
          run(finish)
          done = true
        ensure
          @depth -= 1
          Polyphony.shield { __send__(undo) } unless done
        end
        value
      rescue Rollback
        nil
      end

      # A statement that was cut in the midst of a change, and some errors, have ended it already. A
      # connection that cannot roll back is not used again: closing it does.
      def undo
        run('ROLLBACK') if !forked? && @raw.transaction_active?
      rescue ::SQLite3::Exception
        @spoiled = true
      end

      def undo_savepoint
        return if forked? || !@raw.transaction_active?

        run("ROLLBACK TO polyphony_#{@depth}")
        run("RELEASE polyphony_#{@depth}")
      rescue ::SQLite3::Exception
        @spoiled = true
      end
    end
    private_constant :Transactions
  end
end
