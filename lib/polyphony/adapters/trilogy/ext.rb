# frozen_string_literal: true

begin
  require 'trilogy'
rescue LoadError => e
  raise unless e.path == 'trilogy'

  raise LoadError, "polyphony/adapters/trilogy needs the gem trilogy: add `gem 'trilogy'` to your Gemfile"
end

module Polyphony
  class Trilogy
    # The connection was lost in the midst of a transaction, which is rolled back with it: run it again as a whole.
    class TransactionLost < Error; end

    # Raise it in a {#transaction} to roll it back and go on after it.
    class Rollback < Error; end
  end
end
