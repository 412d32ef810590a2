# frozen_string_literal: true

require_relative 'companion'
require_relative 'statements'
require_relative 'transactions'

module Polyphony
  class SQLite3
    # One connection of the gem, used by one fiber at a time.
    class Connection
      include Guard
      include Transactions

      NONE = [].freeze
      NO_NAMES = {}.freeze
      private_constant :NONE, :NO_NAMES

      # @return [::SQLite3::Database]
      attr_reader :raw

      # @param options [Options]
      # @param writes [Boolean]
      # @raise [::SQLite3::Exception]
      # @suspends while another process has locked the database
      def initialize(options, writes:)
        @options = options
        @writes = writes
        @pid = ::Process.pid
        @depth = 0
        @raw = options.open
        @statements = Statements.new(@raw, options.statements)
        set_up
        ready = true
      ensure
        @raw&.close unless ready
      end

      # @return [Boolean]
      def writes? = @writes

      # @return [Boolean] whether it must not be used again
      def spoiled? = @spoiled || false

      # @return [Result]
      # @raise [::SQLite3::Exception, ReadOnly, ArgumentError, TypeError]
      # @suspends each millisecond of the statement's work
      def run(sql, binds = NONE, named = NO_NAMES)
        with(sql, binds, named) do |statement|
          before = @raw.total_changes
          rows = []
          while (row = guard { statement.step })
            rows << row
          end
          Result.new(columns(statement), rows, @raw.total_changes - before, @raw.last_insert_row_id)
        end
      end

      # @yieldparam row [Hash{String => Object}]
      # @suspends each millisecond of the statement's work, and as its block does
      def each(sql, binds, named)
        with(sql, binds, named) do |statement|
          names = nil
          while (row = guard { statement.step })
            names ||= columns(statement)
            yield names.zip(row).to_h
          end
        end
      end

      # @param sql [String] statements
      # @suspends each millisecond of their work
      def run_script(sql)
        Scheduler.checkpoint
        refuse_after_fork
        until sql.strip.empty?
          statement = guard { @raw.prepare(sql) }
          sql = statement.remainder.to_s
          begin
            nil while guard { statement.step } unless statement.closed?
          ensure
            statement.close unless statement.closed?
          end
        end
      end

      # @suspends no
      def close
        @statements.clear
        @raw.close
      end

      # @return [String]
      def inspect
        "#<#{self.class} #{@options.path} #{@writes ? 'writes' : 'reads'}#{' in a transaction' if transaction?}>"
      end

      private

      def busy_timeout = @options.busy_timeout

      def set_up
        Companion.load_extension(@raw)
        @raw.busy_handler { |*count| busy(count.last) }
        @options.pragmas(writes: @writes).each { |pragma| run(pragma) }
      end

      def with(sql, binds, named)
        Scheduler.checkpoint
        refuse_after_fork
        statement = guard { @statements.take(sql) }
        begin
          Values.bind(statement, binds, named)
          yield statement
        ensure
          @statements.give_back(sql, statement)
        end
      rescue ::SQLite3::ReadOnlyException => e
        raise ReadOnly, "#{e.message}: query is for reading; use execute, or a transaction" unless @writes

        raise
      end

      def columns(statement) = ::Array.new(statement.column_count) { |index| statement.column_name(index) }

      def forked? = @pid != ::Process.pid

      def refuse_after_fork
        return unless forked?

        raise Error, "the connection to #{@options.path} was opened before the fork, and SQLite forbids using it in " \
                     'the child: let the transaction of the parent end first'
      end
    end
    private_constant :Connection
  end
end
