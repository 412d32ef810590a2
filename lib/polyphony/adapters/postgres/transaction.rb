# frozen_string_literal: true

require_relative 'commit'

module Polyphony
  class Postgres
    # What the block of {Postgres#transaction} gets. It belongs to the fiber that opened it, and to that block.
    class Transaction
      include Queries
      include Copying
      include Notifying

      ISOLATIONS = { read_committed: 'READ COMMITTED', repeatable_read: 'REPEATABLE READ', serializable: 'SERIALIZABLE',
                     read_uncommitted: 'READ UNCOMMITTED' }.freeze
      private_constant :ISOLATIONS
      private_class_method :new

      # @api private
      # @suspends as {Postgres#transaction}
      def self.run(connection, retries: 0, **modes, &block)
        unless retries.is_a?(::Integer) && !retries.negative?
          raise ::ArgumentError, "retries is how often the block is run again, not #{retries.inspect}"
        end

        outer = connection.transaction_in_progress
        return Retries.run(retries) { new(connection, nil, opening(**modes)).perform(&block) } unless outer

        refuse_options if retries.positive? || !modes.compact.empty?
        new(connection, outer, savepoint(outer)).perform(&block)
      end

      def self.refuse_options
        raise ::ArgumentError, 'isolation:, read_only:, deferrable: and retries: are for the outermost transaction'
      end
      private_class_method :refuse_options

      def self.opening(isolation: nil, read_only: nil, deferrable: nil)
        unless isolation.nil? || ISOLATIONS.key?(isolation)
          raise ::ArgumentError, "isolation is one of #{ISOLATIONS.keys.inspect}, not #{isolation.inspect}"
        end

        ['BEGIN', ("ISOLATION LEVEL #{ISOLATIONS[isolation]}" if isolation),
         { true => 'READ ONLY', false => 'READ WRITE' }[read_only],
         { true => 'DEFERRABLE', false => 'NOT DEFERRABLE' }[deferrable]].compact.join(' ')
      end
      private_class_method :opening

      def self.savepoint(outer) = "SAVEPOINT polyphony_#{outer.depth + 1}"
      private_class_method :savepoint

      # @return [Integer] 0, or how many transactions it is in
      attr_reader :depth

      # @api private
      def initialize(connection, outer, opening)
        @connection = connection
        @outer = outer
        @depth = outer ? outer.depth + 1 : 0
        @opening = opening
        @open = false
      end

      # A transaction in this one: a savepoint. When its block fails, only what it did is undone.
      #
      # @return [Object] the block's value; nil after {#rollback}
      # @raise [Exception] what the block raised
      # @raise [ArgumentError] for options: they are for the outermost
      # @suspends as its block does
      def transaction(**options, &block)
        using { |connection| connection.transaction(**options, &block) }
      end

      # Ends the block of this transaction, or of the innermost one that is open, and undoes what it did, without an
      # error.
      #
      # @return [void] never
      # @raise [PG::RollbackTransaction] which the transaction catches
      # @suspends no
      def rollback
        raise ::PG::RollbackTransaction, 'rolled back'
      end

      # @return [Boolean] whether its block is running
      # @suspends no
      def open? = @open

      # @return [String]
      def inspect = "#<#{self.class} #{@open ? 'open' : 'ended'} depth=#{@depth} on #{@connection.inspect}>"

      # @api private
      # @suspends as its block does
      def perform
        @connection.run_plain(@opening)
        @connection.transaction_in_progress = self
        @open = true
        yield self
      rescue ::PG::RollbackTransaction
        failed = true
        nil
      rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
        failed = true
        raise
      ensure
        finish(failed || ::Thread.current.status == 'aborting') if @open
      end

      private

      def using
        raise Busy, "#{inspect}: its block has ended" unless @open

        unless @connection.transaction_in_progress.equal?(self)
          @connection.check_holder
          raise Busy, "#{inspect}: there is a transaction open in it, use that one"
        end

        yield @connection
      end

      def finish(failed)
        failed ? undo : commit
      ensure
        @open = false
        @connection.transaction_in_progress = @outer
      end

      def undo
        wire = @connection.wire
        return wire.roll_back unless @outer

        wire.roll_back("ROLLBACK TO SAVEPOINT polyphony_#{@depth}; RELEASE SAVEPOINT polyphony_#{@depth}")
      end

      def commit
        return Commit.new(@connection).run unless @outer

        @connection.run_plain("RELEASE SAVEPOINT polyphony_#{@depth}")
      rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
        undo
        raise
      end
    end
  end
end
