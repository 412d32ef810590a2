# frozen_string_literal: true

require_relative 'cluster/obeying'
require_relative 'crew'
require_relative 'generation'
require_relative 'notify'
require_relative 'pid_file'

module Polyphony
  module HTTP
    module Operation
      # The process that starts workers, replaces those that die, and changes them all for new ones. It holds
      # the listening sockets, so that none of this refuses a connection; it serves nothing itself, and has
      # no scheduler.
      #
      # Signals: TERM, INT stop gracefully, a second one at once; HUP reads the configuration again and
      # replaces the workers one generation by the next; TTIN, TTOU one worker more, one less; USR1 opens logs
      # again; QUIT has the workers print what they do.
      class Cluster
        include Obeying

        # Signals that it listens to.
        SIGNALS = %w[TERM INT HUP TTIN TTOU USR1 QUIT CHLD].freeze
        # Seconds between two looks at the workers, at most.
        TURN = 0.5

        # @param configuration [Configuration]
        # @param log [Log]
        def initialize(configuration, log: Log.new($stderr))
          @configuration = configuration
          @log = log
          @signals, @writer = ::IO.pipe
          @crew = Crew.new(log, [@signals, @writer])
        end

        # @return [Integer] the exit status
        # @raise [SystemCallError] when it cannot listen
        # @raise [Exception] with `preload`, what the app fails with
        # @suspends no: it is no part of a program with fibers
        def run
          @booting = @pid = ::Process.pid
          trap_signals
          @pid_file = @configuration.pid_file && PidFile.new(@configuration.pid_file).write
          @next = prepare(@configuration)
          $PROGRAM_NAME = "polyphony: first process, #{@next.sockets.addresses.join(' ')}"
          @booting = nil
          turn until @stopping && @crew.empty?
          @log.info('stopped')
          @status || 0
        ensure
          clean_up if @pid == ::Process.pid
        end

        private

        def clean_up
          @crew.kill
          [@next, @current].compact.each(&:close)
          @pid_file&.remove
        end

        # A handler that runs in a child which has not its own yet must not write to our pipe. An app that takes
        # long to be loaded here is no reason not to end.
        def trap_signals
          SIGNALS.each do |name|
            ::Signal.trap(name) do |number|
              next unless @pid == ::Process.pid

              exit(128 + number) if @booting && Obeying::ENDS.include?(name)
              @writer.write_nonblock("#{name}\n", exception: false)
            end
          end
        end

        # The configuration's generation; @current goes on until it is there.
        def prepare(configuration)
          generation = Generation.new(configuration, [@next, @current].compact)
          generation.preload(@log) if configuration.preload
          generation
        rescue ::Exception # rubocop:disable Lint/RescueException -- raised again
          generation&.close(@next, @current)
          raise
        end

        # --- one look at everything ---

        def turn
          ready = ::IO.select([@signals, *@crew.pipes], nil, nil, patience)&.first || []
          obey_all if ready.delete(@signals)
          @crew.hear(ready)
          @crew.reap { |child| ended(child) }
          settle
          @crew.look_after
          [@next, @current].compact.each { |generation| @crew.fill(generation) }
          Notify.alive(now) if @crew.alive?(Notify.watchdog_interval)
        end

        def patience
          interval = Notify.watchdog_interval
          interval ? [TURN, interval / 2].min : TURN
        end

        # All workers of the next generation are there: it is the current one, and the others may go.
        def settle
          return unless @next && @crew.complete?(@next)

          first = @current.nil?
          former, @current, @next = @current, @next, nil
          @configuration = @current.configuration
          @crew.stop_others(@current)
          former&.close(@current)
          Notify.ready("#{@current.count} workers")
          at = @current.sockets.addresses.join(' ')
          @log.info(first ? "listening on #{at} with #{workers}, process #{@pid}" : "reloaded: #{workers} on #{at}")
        end

        def workers = "#{@current.count} #{@current.count == 1 ? 'worker' : 'workers'}"

        def ended(child)
          return if @stopping || child.stopping?

          child.generation.equal?(@next) && !child.ready? ? give_up : @crew.replace(child)
        end

        # The next generation cannot be started.
        def give_up
          return stop(0, status: 1) unless @current

          @crew.stop_all(@next)
          @next.close(@current)
          @next = nil
          stays_as_it_is('the new workers did not start')
        end

        def stays_as_it_is(why)
          @log.warn("not reloaded, everything stays as it is: #{why}")
          Notify.ready("#{workers}; the last reload failed") if @current
        end

        def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
    end
  end
end
