# frozen_string_literal: true

require 'tmpdir'

module Support
  # A database in a folder of the example's own.
  module SQLite3
    def self.included(group)
      group.let(:folder) { Dir.mktmpdir('polyphony-sqlite') }
      group.let(:file) { File.join(folder, 'test.db') }
      group.let(:db) { open_database }
      group.after do
        @open&.each(&:close)
        FileUtils.rm_rf(folder)
      end
    end

    def open_database(**options)
      Polyphony::SQLite3.new(file, **options).tap { |opened| (@open ||= []) << opened }
    end

    # The beginning of a query that never ends.
    def counting = 'with recursive n(x) as (select 1 union all select x + 1 from n)'

    # Other fibers have come to run, by timers, so often.
    def settle_a_little
      20.times { sleep 0.001 }
    end
  end
end
