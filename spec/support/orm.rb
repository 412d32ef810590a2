# frozen_string_literal: true

require 'tmpdir'

module Support
  # Databases for object mappers: the PostgreSQL that bin/test has started, and an SQLite of the example's own.
  module ORM
    # The beginning of a query that never ends.
    ENDLESS = { postgres: 'select pg_sleep(1000)',
                sqlite: 'with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n' }.freeze

    def self.included(group)
      group.let(:folder) { Dir.mktmpdir('polyphony-orm') }
      group.after { FileUtils.rm_rf(folder) }
    end

    def need_postgres
      ENV['DATABASE_URL'] || (ENV['CI'] ? raise('DATABASE_URL is not set: run bin/test') : skip('bin/test starts the PostgreSQL for this'))
    end

    # Other fibers have come to run, by timers, so often.
    def settle_a_little
      20.times { sleep 0.001 }
    end
  end
end
