# frozen_string_literal: true

require_relative '../support/child_program'

# The constructs of the overview. Its fragments need a database, a mail server and names that it does not
# define: those are made up around them; seconds are shorter.
RSpec.describe 'the overview: constructs' do
  it 'a ResourcePool shares connections' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony'
      module PG
        Connection = Struct.new(:number) do
          def query(sql)
            raise 'used by two fibers at once' if @busy
            @busy = true
            sleep 0.001
            @busy = false
            [[sql, number]]
          end
        end
        def self.connect(options) = Connection.new($connections = $connections.to_i + 1)
      end
      DB_OPTS = {}

      DB_CONNECTIONS = Polyphony::ResourcePool.new(limit: 5) do
        PG.connect(DB_OPTS)
      end

      def query_records(sql)
        DB_CONNECTIONS.acquire do |db|
          db.query(sql).to_a
        end
      end

      rows = Fiber.await(*20.times.map { |i| spin { query_records("select \#{i}") } }).flatten(1)
      p rows.map(&:first) == 20.times.map { |i| "select \#{i}" }, rows.map(&:last).uniq.sort, $connections
    RUBY
    expect([out, err]).to eq(["true\n[1, 2, 3, 4, 5]\n5\n", ''])
  end

  it 'a Throttler keeps to its rate across fibers, in order' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony'

      MAX_EMAIL_RATE = 10 # max. 10 emails per second
      EMAIL_THROTTLER = Polyphony::Throttler.new(MAX_EMAIL_RATE)

      def send_email(addr, content)
        EMAIL_THROTTLER.process do
          $sent << [addr, Process.clock_gettime(Process::CLOCK_MONOTONIC)]
        end
      end

      $sent = []
      start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      Fiber.await(*4.times.map { |i| spin { send_email(i, 'hello') } })
      p $sent.map(&:first)
      # What a throttler promises is a rate at most: never sooner than the grid allows.
      p $sent.each_with_index.all? { |(_, at), i| at - start >= i * 0.1 - 0.001 }
    RUBY
    expect([out, err]).to eq(["[0, 1, 2, 3]\ntrue\n", ''])
  end

  it 'after, every, move_on_after and cancel_after' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony'
      def notify_user = puts('notified')
      def perform_query = sleep

      # perform an delayed action (in a separate fiber)
      fiber = after(0.01) { notify_user }
      fiber.await

      # perform a recurring action with time drift correction
      count = 0
      every(0.01) { p Time.now.class; break if (count += 1) == 2 }

      # perform an operation with timeout without raising an exception
      p move_on_after(0.01) { perform_query }

      # perform an operation with timeout, raising a Polyphony::Cancel exception
      begin
        cancel_after(0.01) { perform_query }
      rescue Polyphony::Cancel => e
        p e.class
      end
    RUBY
    expect([out, err]).to eq(["notified\nTime\nTime\nnil\nPolyphony::Cancel\n", ''])
  end

  it 'a ThreadPool keeps the sqlite3 gem from stopping other fibers (with a ticker beside it)' do
    out, err, = run_ruby(<<~RUBY)
      require 'sqlite3'
      require 'polyphony'

      class SQLite3::Database
        THREAD_POOL = Polyphony::ThreadPool.new

        alias_method :orig_execute, :execute
        def execute(sql, *args)
          THREAD_POOL.process { orig_execute(sql, *args) }
        end
      end

      ticks = 0
      ticker = spin { loop { sleep 0.001; ticks += 1 } }
      db = SQLite3::Database.new(':memory:')
      # Goes on until the ticker has ticked: calls back into Ruby, so it needs no luck with time.
      db.create_function('ticks', 0) { |function| function.result = ticks }
      puts db.execute("with recursive n(i, t) as (select 0, 0 union all select i + 1, ticks() from n where t < 5) " \\
                      "select max(t) >= 5 from n")
      puts db.execute('select ? + 1', [41])
      p((db.execute('nonsense') rescue $!.class))
    RUBY
    expect([out, err]).to eq(["1\n42\nSQLite3::SQLException\n", ''])
  end
end
