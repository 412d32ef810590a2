# frozen_string_literal: true

module Polyphony
  class Postgres
    # What a connection does for {Queries}, one after the other. @api private
    module Operations
      # @return [Wire]
      attr_reader :wire
      # @return [Lifecycle, nil] whose it is
      attr_accessor :holder
      # @return [Transaction, nil] the innermost that is open
      attr_accessor :transaction_in_progress

      # @param sql [String]
      # @param params [Array]
      # @param form [Form]
      def run(sql, params, form)
        form.of(operate { execute(sql, params) })
      end

      def run_unprepared(sql, params)
        operate { unprepared(sql, params) }
      end

      def run_plain(sql)
        operate do
          result = @wire.command(sql)
          @statements.clear if result.cmd_status == 'DISCARD ALL' || result.cmd_status == 'DEALLOCATE ALL'
          result
        end
      end

      # @return [Form]
      def form(kind, typed) = @database.form(kind, typed, self)

      # @return [Numeric] seconds
      def cleanup_timeout = @options.cleanup_timeout

      # @return [PG::TypeMap]
      def types
        operate { ::PG::BasicTypeMapForResults.new(@wire.pg).tap { |map| map.default_type_map = ::PG::TypeMapAllStrings.new } }
      end

      # Whose it is no more.
      #
      # @param ended [Boolean] whether the block came to its end
      # @raise [NotCommitted]
      def release(ended)
        @holder = nil
        tidy unless @wire.broken?
        return if @wire.broken? || @wire.pg.transaction_status == ::PG::PQTRANS_IDLE

        @wire.roll_back
        return unless ended

        raise NotCommitted, 'the block ended in the midst of a transaction, which was rolled back: use transaction { }'
      end

      # Runs the block, in which the connection does one thing.
      def operate
        check_holder
        raise Busy, busy_with_itself if @busy

        @busy = true
        begin
          yield
        rescue ::PG::ServerError => e
          @wire.drop if @wire.fatal?(e)
          raise
        ensure
          @wire.settle if !@wire.broken? && @wire.active?
          @busy = false
        end
      end

      def check_holder
        Forks.notice
        life = Lifecycle.current
        return if @holder.equal?(life)

        owner = @holder ? "belongs to #{@holder.label}" : 'was given back: the block that had it has ended'
        raise Busy, "#{life.label} cannot use this connection: it #{owner}. Each fiber takes its own, by db.query, " \
                    'db.with or db.transaction'
      end

      private

      def tidy
        return @wire.drop if @raw && @wire.pg.pipeline_status != ::PG::PQ_PIPELINE_OFF

        @wire.settle if @wire.active?
      end

      def busy_with_itself
        'this fiber is in the midst of rows or of a COPY on its connection, on which nothing else can go on ' \
          'meanwhile: collect the rows first, or ask in another fiber'
      end

      def execute(sql, params)
        name = @statements.look_up(sql)
        name = prepare(sql) if name == false
        return unprepared(sql, params) unless name

        @wire.pg.send_query_prepared(name, params)
        @wire.last_result
      rescue ::PG::FeatureNotSupported, ::PG::InvalidSqlStatementName => e
        raise unless name

        again(e, sql, params)
      end

      # The table has changed since it was prepared, or the server has dropped its statements. In a transaction that is
      # lost now: see {Transaction}.
      def again(error, sql, params)
        error.is_a?(::PG::FeatureNotSupported) ? @statements.forget(sql) : @statements.clear
        raise error if @wire.pg.transaction_status == ::PG::PQTRANS_INERROR

        unprepared(sql, params)
      end

      def unprepared(sql, params)
        @wire.pg.send_query_params(sql, params)
        @wire.last_result
      end

      # @return [String, nil]
      def prepare(sql)
        return if @wire.pg.transaction_status == ::PG::PQTRANS_INERROR

        deallocate if @statements.dropped.size > 20 && @wire.pg.transaction_status == ::PG::PQTRANS_IDLE
        name = @statements.new_name
        @wire.pg.send_prepare(name, sql)
        @wire.last_result
        @statements.add(sql, name)
        name
      rescue ::PG::DuplicatePstatement
        nil # a pooler gives us sessions of others: see docs/adapters/postgres.md
      end

      def deallocate
        @wire.command(@statements.dropped.map { |name| "DEALLOCATE #{name}" }.join(';'))
        @statements.dropped.clear
      rescue ::PG::InvalidSqlStatementName
        @statements.clear
      end
    end
    private_constant :Operations
  end
end
