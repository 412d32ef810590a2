# frozen_string_literal: true

require_relative 'child'
require_relative 'notify'
require_relative 'pid_file'
require_relative 'worker'

module Polyphony
  module HTTP
    module Operation
      # The process that starts workers, replaces those that die, and changes them all for new ones. It holds
      # the listening sockets, so that none of this refuses a connection; it serves nothing itself, and has
      # no scheduler.
      #
      # Signals: TERM, INT stop gracefully, a second one at once; HUP reads the configuration again and
      # replaces the workers one generation by the next; TTIN, TTOU one worker more, one less; USR1 opens logs
      # again.
      class Cluster
        # Signals that it listens to.
        SIGNALS = %w[TERM INT HUP TTIN TTOU USR1 QUIT CHLD].freeze
        # Seconds that a worker must live for its death to be no failed start.
        SETTLED = 5
        # Seconds before a worker that keeps dying is started again, at most.
        MAX_PAUSE = 30
        # Seconds beyond the grace before a worker is killed.
        KILL_AFTER = 5

        # @param configuration [Configuration]
        # @param log [Log]
        def initialize(configuration, log: Log.new($stderr))
          @configuration = configuration
          @log = log
          @children = {}
          @generation = 0
          @pauses = Hash.new(0)
          @due = {}
          @signals, @writer = ::IO.pipe
        end

        # @return [Integer] the exit status
        # @raise [SystemCallError] when it cannot listen
        def run
          open_sockets
          @pid_file = @configuration.pid_file && PidFile.new(@configuration.pid_file).tap(&:write)
          trap_signals
          @count = @configuration.workers
          @handler = App.load(App.find(@configuration.app)) if @configuration.preload
          fill
          turn until done?
          @status || 0
        ensure
          @children.each_value { |child| child.signal(:KILL) }
          @pid_file&.remove
        end

        private

        def open_sockets
          @sockets ||= []
          binds = @configuration.bind.map { |text| Bind.parse(text) }
          (binds.map(&:text) - @sockets.map { |bind, _| bind.text }).each do |text|
            bind = Bind.parse(text)
            bind.open.each { |socket| @sockets << [bind, socket] }
          end
          gone, @sockets = @sockets.partition { |bind, _| binds.none? { |one| one.text == bind.text } }
          gone.each { |_, socket| socket.close }
        end

        def trap_signals
          SIGNALS.each { |name| ::Signal.trap(name) { @writer.write_nonblock("#{name}\n", exception: false) } }
        end

        def turn
          ready = ::IO.select([@signals, *@children.each_value.map(&:life)], nil, nil, 0.5)
          Array(ready&.first).each { |io| io.equal?(@signals) ? read_signals : hear(io) }
          reap
          look_after
          Notify.send('WATCHDOG=1') if Notify.watchdog_interval
        end

        def done? = @stopping && @children.empty?

        # --- workers ---

        def fill
          missing = (0...@count).to_a - current.map(&:index)
          missing.each { |index| start(index) if now >= @due.fetch(index, 0) }
        end

        def current
          @children.each_value.select { |child| child.generation == @generation && !child.stopping? }
        end

        def start(index)
          life, writer = ::IO.pipe
          pid = ::Process.fork { become_worker(index, life, writer) }
          writer.close
          @children[pid] = Child.new(pid, index, @generation, life)
        end

        def become_worker(index, life, writer)
          SIGNALS.each { |name| ::Signal.trap(name, 'DEFAULT') }
          [life, @signals, @writer, *@children.each_value.map(&:life)].each(&:close)
          writer.sync = true
          Worker.new(@configuration, @sockets, index: index, handler: @handler, life: writer).run
        rescue ::SystemExit
          raise
        rescue ::Exception => e # rubocop:disable Lint/RescueException -- the process ends
          @log.failure(e, nil)
          exit!(1)
        end

        def hear(io)
          child = @children.each_value.find { |one| one.life.equal?(io) }
          became_ready(child) if child&.listen
        rescue ::EOFError
          nil # it is about to be reaped
        end

        def became_ready(child)
          @pauses.delete(child.index)
          return unless current.size == @count && current.all?(&:ready?)

          Notify.send('READY=1', "STATUS=#{@count} workers") unless @stopping
          @log.info(@ever_ready ? "#{@count} workers are ready" : "listening on #{addresses.join(' ')} with #{@count} workers")
          @ever_ready = true
          old.each { |one| one.stop(@configuration.grace + KILL_AFTER) }
        end

        def old = @children.each_value.select { |child| child.generation < @generation }

        def addresses
          @sockets.map { |bind, socket| Listener.new(nil, bind, socket).address }
        end

        # --- their ends ---

        def reap
          while (pid, status = ::Process.wait2(-1, ::Process::WNOHANG))
            child = @children.delete(pid) or next
            child.life.close
            ended(child, status)
          end
        rescue ::Errno::ECHILD
          nil
        end

        def ended(child, status)
          return if child.stopping? || @stopping
          return failed_start(child, status) unless child.ready?

          @log.warn("worker #{child.index} (#{child.pid}) ended: #{describe(status)}; a new one is started")
          pause(child) if child.age < SETTLED
        end

        def failed_start(child, status)
          @log.warn("worker #{child.index} (#{child.pid}) did not start: #{describe(status)}")
          return give_up unless @ever_ready
          return pause(child) if old.empty?

          @log.warn('the workers that run stay: the new ones cannot be started')
          @generation = old.map(&:generation).max
          @children.each_value { |one| one.stop(KILL_AFTER) if one.generation > @generation }
        end

        def give_up
          @status = 1
          stop(0)
        end

        def pause(child)
          seconds = [2**(@pauses[child.index] += 1) / 2.0, MAX_PAUSE].min
          @due[child.index] = now + seconds
        end

        def describe(status)
          status.signaled? ? "killed by #{::Signal.signame(status.termsig)}" : "status #{status.exitstatus}"
        end

        def look_after
          @children.each_value do |child|
            child.enforce
            next if child.stopping? || !child.ready? || child.silence < @configuration.worker_timeout

            @log.warn("worker #{child.index} (#{child.pid}) gave no sign of life for #{child.silence.round} s: killed")
            child.signal(:KILL)
          end
          fill unless @stopping
        end

        # --- signals ---

        def read_signals
          @signals.read_nonblock(4096).split.uniq.each { |name| obey(name) }
        rescue ::IO::WaitReadable
          nil
        end

        def obey(name)
          case name
          when 'TERM', 'INT' then stop(@stopping ? 0 : @configuration.grace)
          when 'HUP' then reload
          when 'TTIN' then @count += 1
          when 'TTOU' then fewer
          when 'USR1', 'QUIT' then @children.each_value { |child| child.signal(name) }
          end
        end

        def stop(grace)
          Notify.send('STOPPING=1')
          @children.each_value { |child| child.signal(:KILL) } if @stopping
          @stopping = true
          @sockets.each { |bind, socket| socket.close unless bind.inherited? || socket.closed? }
          @children.each_value { |child| child.stop(grace + KILL_AFTER) }
        end

        def reload
          Notify.send('RELOADING=1', "MONOTONIC_USEC=#{(now * 1_000_000).to_i}")
          @configuration.reload
          open_sockets
          @count = @configuration.workers
          @generation += 1
          @due.clear
          @log.info('reloading: new workers are started')
        rescue ::StandardError, ::ScriptError => e
          @log.warn("the configuration stays as it is: #{e.message}")
        end

        def fewer
          return if @count <= 1

          @count -= 1
          current.select { |child| child.index >= @count }.each { |child| child.stop(@configuration.grace + KILL_AFTER) }
        end

        def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
    end
  end
end
