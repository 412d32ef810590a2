# frozen_string_literal: true

module Polyphony
  class Postgres
    # No connection could be made. The message says what the server, or the network, said, and what to do. It is a
    # `PG::ConnectionBad`, so that what rescues the gem's errors rescues this; the gem's own is its `cause`.
    class ConnectionFailed < ::PG::ConnectionBad; end

    # The answer to a COMMIT did not come: the transaction may have been committed, or not. Look in the database, or
    # write so that doing it twice does no harm.
    class CommitUnknown < ::PG::ConnectionBad; end

    # A connection, or a transaction, was used by another fiber than the one it belongs to, by the fiber itself while
    # it streams rows over it, or after its block had ended.
    class Busy < Error; end

    # A transaction could not be committed, because a statement in it had failed and the block went on; or a block of
    # {Postgres#with} ended in the midst of a transaction. Either way it was rolled back.
    class NotCommitted < Error; end

    # A payload of NOTIFY is longer than the server takes (7999 bytes). Send a key, and put the rest into a table.
    class PayloadTooLong < Error; end
  end
end
