# frozen_string_literal: true

module Polyphony
  class SQLite3
    # Something was to be written where only reading is possible: in a {#query} or a {#snapshot}, or to a database
    # opened with `readonly:`. Use {#execute}, or {#transaction}.
    class ReadOnly < Error; end

    # Raise it in a {#transaction} to roll it back and go on after it.
    class Rollback < Error; end
  end
end
