# frozen_string_literal: true

require_relative 'operations'
require_relative 'streams'

module Polyphony
  class Postgres
    # One connection, in the hands of one fiber: what {Postgres#with} gives. It ends to be that fiber's with the block.
    class Connection
      include Queries
      include Copying
      include Notifying
      include Operations
      include Streams

      # @param wire [Wire]
      # @param database [Postgres]
      # @param options [Options]
      # @api private
      def initialize(wire, database, options)
        @wire = wire
        @database = database
        @options = options
        @statements = Statements.new(options.statement_cache)
        @busy = false
      end

      # As {Postgres#transaction}, on this connection.
      #
      # @return [Object] the block's value
      # @raise [Exception] as there
      # @suspends as there
      def transaction(**options, &block)
        raise ::ArgumentError, 'a block is required' unless block

        check_holder
        Transaction.run(self, **options, &block)
      end

      # @return [Boolean]
      # @suspends no
      def transaction? = ![::PG::PQTRANS_IDLE, ::PG::PQTRANS_UNKNOWN].include?(@wire.pg.transaction_status)

      # The gem's connection, for what is not here: large objects, replication. What is left running on it at the end of
      # the block is cancelled; what goes wrong in it is yours.
      #
      # @return [PG::Connection]
      # @raise [Polyphony::Postgres::Busy] when it is not this fiber's
      # @suspends no
      def raw
        check_holder
        @wire.pg.setnonblocking(false) unless @raw # its way of saying: wait by yourself
        @raw = true
        @wire.pg
      end

      # @return [Integer] the process of the server that serves it, as in pg_stat_activity
      # @suspends no
      def pid = @wire.pg.backend_pid

      # @param text [String]
      # @return [String] quoted, for where a parameter cannot stand
      # @suspends no
      def quote(text) = @wire.pg.escape_literal(text.to_s)

      # @param name [String] of a table or the like
      # @return [String] quoted
      # @suspends no
      def quote_name(name) = @wire.pg.quote_ident(name.to_s)

      # @return [String]
      def inspect
        state = if @wire.broken? then 'closed'
                elsif @busy then 'busy'
                else { ::PG::PQTRANS_INTRANS => 'in transaction', ::PG::PQTRANS_INERROR => 'in failed transaction' }
                  .fetch(@wire.pg.transaction_status, 'idle')
                end
        "#<#{self.class} #{@options.place}#{" pid=#{pid}" unless @wire.broken?} #{state}" \
          "#{" of #{@holder.label}" if @holder} statements=#{@statements.size}>"
      end

      private

      def using = yield(self)
    end
  end
end
