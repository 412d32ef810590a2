# frozen_string_literal: true

begin
  require 'sqlite3'
rescue LoadError => e
  raise unless e.path == 'sqlite3'

  raise LoadError, "polyphony/adapters/sqlite3 needs the gem sqlite3: add `gem 'sqlite3'` to your Gemfile"
end
require 'polyphony/sqlite_ext'

module Polyphony
  class SQLite3
    # The library that SQLite loads as its extension; it is Ruby's, too (ext/sqlite).
    EXTENSION = $LOADED_FEATURES.reverse_each.find { |file| file.match?(%r{/polyphony/sqlite_ext\.\w+\z}) }
    private_constant :EXTENSION
  end
end
