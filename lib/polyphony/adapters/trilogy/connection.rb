# frozen_string_literal: true

require_relative 'transactions'

module Polyphony
  class Trilogy
    # One connection of the gem, used by one fiber at a time.
    class Connection
      NONE = [].freeze
      NO_NAMES = {}.freeze
      # Bits of the server's status, which comes with each answer.
      IN_TRANSACTION = ::Trilogy::SERVER_STATUS_IN_TRANS
      MORE_RESULTS = ::Trilogy::SERVER_STATUS_MORE_RESULTS_EXISTS
      private_constant :NONE, :NO_NAMES, :IN_TRANSACTION, :MORE_RESULTS

      include Transactions

      # Errors of the client before it has sent anything.
      UNSENT = [::TypeError, ::ArgumentError, ::Encoding::CompatibilityError, ::Encoding::UndefinedConversionError].freeze
      private_constant :UNSENT

      # @return [::Trilogy]
      attr_reader :raw
      # @return [Literals]
      attr_reader :literals

      # @param settings [Settings]
      # @return [Connection]
      # @raise [::Trilogy::ConnectionError]
      # @suspends until it is connected
      def self.open(settings)
        raw = settings.connect
        new(settings, raw, raw.query('SELECT CONNECTION_ID()').rows.first.first)
      end

      # @param number [Integer] what the server calls it
      def initialize(settings, raw, number)
        @settings = settings
        @raw = raw
        @number = number
        @literals = Literals.new(raw)
        @depth = 0
        @status = 0
        @spoiled = false
        @pid = ::Process.pid
      end

      # @return [::Trilogy::Result] the first one, where a procedure gives several
      # @suspends until the answer is there
      def query(sql, binds = NONE, named = NO_NAMES)
        sql = literals.fill(sql, binds, named)
        guard do
          result = raw.query(sql)
          raw.abandon_results! unless (raw.server_status & MORE_RESULTS).zero?
          result
        end
      end

      # Notes whether the connection can be used after what the block does with it.
      # @suspends as its block does
      def guard
        refuse_when_lost
        done = false # nil: nothing was tried
        value = yield
        done = true
        value
      rescue ::Trilogy::Error => e
        done = answered?(e)
        raise
      rescue *UNSENT
        done = true
        raise
      ensure
        note_end(done) unless done.nil?
      end

      # @return [Boolean] whether another fiber can have it: all is well, and no transaction was left open
      # @suspends no
      def fit? = !@spoiled && !raw.closed? && (transaction? || (@status & IN_TRANSACTION).zero?)

      # @return [Boolean] whether the server has not closed it while it was idle
      # @suspends no
      def alive?
        raw.check
        true
      end

      # @suspends until the server was told, for a moment
      def close
        @spoiled || !fit? ? raw.discard! : Polyphony.move_on_after(grace) { raw.close }
      rescue ::Trilogy::Error
        nil # the server has closed it, too
      end

      # @return [String]
      def inspect
        "#<#{self.class} #{@number} #{@settings}#{' lost' if @spoiled}#{' in a transaction' if transaction?}>"
      end

      private

      def grace = @settings.grace

      # An answer, even if it is an error, leaves the connection ready for the next query; unless it was the last word.
      def answered?(error)
        !error.error_code.nil? && !raw.closed? && !LAST_WORDS.include?(error.error_code)
      end

      # Of a server that has closed the connection: killed, shut down, aborted, timed out.
      LAST_WORDS = [1053, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1927, 4031].freeze
      private_constant :LAST_WORDS

      def refuse_when_lost
        unless @pid == ::Process.pid
          raise Error, "#{inspect} was opened before the fork: let the transaction of the parent end first"
        end
        raise TransactionLost, "#{inspect}: its transaction is rolled back; run all of it again" if @spoiled
      end

      def note_end(done)
        return spoil unless done

        @status = raw.server_status unless raw.closed?
      end

      # The fiber was cut in the midst of a query, or the connection broke. The server would go on with the query, and
      # keep its locks, until it has something to say.
      def spoil
        @spoiled = true
        return if @pid != ::Process.pid

        Polyphony.shield { Polyphony.move_on_after(grace) { kill } }
      end

      def kill
        other = @settings.connect_once
        other.query("KILL #{@number}")
      rescue ::Trilogy::Error
        nil # there is no server, or no such connection any more
      ensure
        other&.close
      end
    end
    private_constant :Connection
  end
end
