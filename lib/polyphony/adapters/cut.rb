# frozen_string_literal: true

require_relative '../core'

module Polyphony
  # What becomes of a query when its fiber is stopped in the midst of it, for gems that hand out their connections
  # to the next one whatever state they are in. @api private
  module Cut
    # Seconds that a fiber which is being stopped takes at most.
    GRACE = 5
    # Seconds from one try to cancel a query to the next.
    PATIENCE = 0.2

    module_function

    # Runs the block, which asks the database something.
    #
    # @param raw [::PG::Connection, ::SQLite3::Database, Object] of another class: nothing is done for it
    # @param busy_timeout [Numeric] as of {SQLite3.guard}
    # @return [Object] the block's value
    # @suspends as the block does; after an interruption, until the server has given up the query
    def around(raw, busy_timeout, &block)
      return postgres(raw, &block) if defined?(::PG::Connection) && raw.is_a?(::PG::Connection)
      return yield unless defined?(::SQLite3::Database) && raw.is_a?(::SQLite3::Database)

      SQLite3.guard(raw, busy_timeout: busy_timeout, &block)
    end

    # @param raw [::PG::Connection]
    # @return [Object] the block's value
    def postgres(raw)
      before = raw.transaction_status
      value = yield
      done = true
      value
    ensure
      end_query(raw, before) unless done || raw.finished? || [before, ::PG::PQTRANS_UNKNOWN].include?(raw.transaction_status)
    end

    # The connection is clean then, or closed.
    def end_query(raw, before)
      # A thread without fibers has no scheduler, and is not given one.
      ended = if Scheduler.current
                Polyphony.shield { Polyphony.move_on_after(GRACE) { clean(raw, before) } }
              else
                clean(raw, before)
              end
      raw.finish unless ended
    rescue ::PG::Error
      raw.finish unless raw.finished?
    end

    # Whoever began a transaction by the query that was cut does not know that the server has begun it.
    def clean(raw, before)
      cancel(raw) while raw.transaction_status == ::PG::PQTRANS_ACTIVE
      raw.exec('ROLLBACK') if before == ::PG::PQTRANS_IDLE && raw.transaction_status != ::PG::PQTRANS_IDLE
      true
    end

    # A server that has not begun the query yet when it is told to cancel it does nothing: it is told again.
    def cancel(raw)
      raw.cancel
      Scheduler.current ? Polyphony.move_on_after(PATIENCE) { raw.discard_results } : raw.discard_results
    end

    # @return [Boolean] whether the connection was closed, because its query could not be ended
    def closed?(raw)
      defined?(::PG::Connection) && raw.is_a?(::PG::Connection) && raw.finished?
    end
  end
  private_constant :Cut
end
