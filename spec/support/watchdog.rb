# frozen_string_literal: true

require_relative 'watchdog_guard'

module Support
  # Turns a hang into a failure. Each example may take LIMIT seconds (or its `timeout:` metadata, in
  # seconds); past that a thread prints where every thread and fiber stands, kills the processes that
  # the suite has started, and ends the suite with EXIT_STATUS. A hang that keeps the GVL stops this
  # thread too, so a separate process (watchdog_guard.rb) ends the suite a little later in that case.
  class Watchdog
    LIMIT = Float(ENV.fetch('POLYPHONY_SPEC_TIMEOUT', 60))
    GRACE = Float(ENV.fetch('POLYPHONY_SPEC_GRACE', 15))
    EXIT_STATUS = 70
    FIBERS_SHOWN = 40

    # Watches the whole run: the time between two examples (hooks, shared contexts) counts as well.
    def self.install(config)
      dog = new
      config.before(:suite) { dog.start }
      config.around { |example| dog.watch(example) { example.run } }
      config.after(:suite) { dog.stop }
    end

    def start
      @pid = Process.pid
      @guard = WatchdogGuard.new
      arm('the start of the suite', LIMIT)
      @thread = Thread.new { patrol }
      @thread.name = 'spec watchdog'
    end

    def watch(example)
      metadata = example.metadata
      arm("#{metadata[:full_description].inspect} (#{metadata[:location]})", metadata[:timeout] || LIMIT)
      yield
    ensure
      arm("what follows #{metadata[:location]}", LIMIT)
    end

    def stop
      return unless @pid == Process.pid

      @thread.kill.join
      @guard.stop
    end

    private

    # One assignment, so that the thread sees either the old or the new, without a lock that an
    # example could be interrupted in.
    def arm(what, limit)
      return unless @pid == Process.pid # a fork that an example made has no watchdog: its parent does

      @armed = [what, limit, now + limit]
      @guard.arm(limit + GRACE)
    end

    def patrol
      loop do
        what, limit, deadline = @armed
        left = deadline - now
        left.positive? ? sleep([left, 1].min) : give_up(what, limit)
      end
    end

    def give_up(what, limit)
      report = ["\n\nspec watchdog: #{what} took more than #{limit} s", *threads, *fibers, tree]
      $stderr.puts(report.compact)
      $stderr.flush
      WatchdogGuard.kill_descendants(@pid)
    ensure
      exit!(EXIT_STATUS)
    end

    def threads
      (Thread.list - [Thread.current]).map { |thread| trace(thread.inspect, thread.backtrace) }
    end

    def fibers
      all = ObjectSpace.each_object(::Fiber).select(&:alive?)
      shown = all.first(FIBERS_SHOWN).map { |fiber| trace(fiber.inspect, fiber.backtrace) }
      all.size > FIBERS_SHOWN ? shown << "… and #{all.size - FIBERS_SHOWN} more fibers" : shown
    rescue FiberError => e
      ["fibers not shown: #{e.message}"]
    end

    def tree
      "\n#{Polyphony.tree(all_threads: true)}" if defined?(Polyphony) && Polyphony.respond_to?(:tree)
    rescue StandardError => e
      "Polyphony.tree failed: #{e.full_message(highlight: false)}"
    end

    def trace(title, backtrace)
      ["\n#{title}", *(backtrace || ['(no backtrace)'])].join("\n    ")
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
