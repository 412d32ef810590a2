# frozen_string_literal: true

require_relative 'child'
require_relative 'life'
require_relative 'worker'

module Polyphony
  module HTTP
    module Operation
      # The workers of a {Cluster}.
      class Crew
        # Seconds that a worker must live for its death to be nothing that comes again at once.
        SETTLED = 5
        # Seconds before a worker that keeps dying is started again, at most.
        MAX_PAUSE = 30

        # @param log [Log]
        # @param private_pipes [Array<IO>] of the first process, which are not for workers
        def initialize(log, private_pipes)
          @log = log
          @private_pipes = private_pipes
          @children = {}
        end

        def empty? = @children.empty?

        # @return [Integer]
        def size = @children.size

        # @return [Array<IO>] from which something may come
        def pipes = @children.each_value.reject(&:deaf?).map(&:life)

        # @param pipes [Array<IO>] from which something has come
        def hear(pipes)
          @children.each_value { |child| child.listen if pipes.include?(child.life) }
        end

        # Starts the workers that are missing.
        # @param generation [Generation]
        def fill(generation)
          missing = (0...generation.count).to_a - of(generation).map(&:index)
          missing.each { |index| start(generation, index) if generation.due?(index) }
        end

        # @return [Boolean] whether all workers of a generation are there and ready
        def complete?(generation)
          children = of(generation)
          children.size >= generation.count && children.all?(&:ready?)
        end

        # Gives ended workers to the block.
        # @yieldparam child [Child]
        def reap
          while (pid, status = ::Process.wait2(-1, ::Process::WNOHANG))
            child = @children.delete(pid) or next # as the first process of a container we inherit orphans
            child.listen_to_the_end
            report(child, status)
            yield child
          end
        rescue ::Errno::ECHILD
          nil
        end

        # It will be missing; one that dies again and again is given time.
        # @param child [Child] that has ended
        def replace(child)
          return child.generation.settled(child.index) if child.ready? && child.age >= SETTLED

          pause = child.generation.pause(child.index, MAX_PAUSE)
          @log.warn("worker #{child.index} is started again in #{pause} s") if pause.positive?
        end

        # Kills those that do not end, do not become ready or give no sign of life.
        def look_after
          @children.each_value do |child|
            next @log.warn("#{child} did not end in time: killed") if child.enforce
            next unless (why = complaint(child))

            @log.warn("#{child} #{why}: killed")
            child.signal(:KILL)
          end
        end

        # @param interval [Numeric, nil] seconds between two signs of life that systemd wants
        # @return [Boolean] whether any worker has given one itself
        def alive?(interval)
          interval && @children.each_value.any? { |child| !child.starting? && child.silence < [2 * interval, 3].max }
        end

        # --- to all of them, or some ---

        def signal(name) = @children.each_value { |child| child.signal(name) }

        # Kills all of them.
        def kill = signal(:KILL)

        # @param grace [Numeric] seconds for their requests
        def stop(grace) = @children.each_value { |child| child.stop(grace) }

        # @param generation [Generation] whose workers are not needed
        def stop_all(generation) = of(generation).each(&:stop)

        # @param generation [Generation] whose workers alone are needed
        def stop_others(generation)
          @children.each_value { |child| child.stop unless child.generation.equal?(generation) }
        end

        # @param generation [Generation] that is to have fewer workers
        def stop_surplus(generation)
          of(generation).each { |child| child.stop if child.index >= generation.count }
        end

        private

        def of(generation)
          @children.each_value.select { |child| child.generation.equal?(generation) && !child.stopping? }
        end

        def complaint(child)
          return if child.stopping?

          configuration = child.generation.configuration
          if child.ready?
            limit = configuration.worker_timeout or return
            "gave no sign of life for #{limit} s" if child.silence > limit
          elsif (limit = configuration.boot_timeout)
            "was not ready within #{limit} s" if child.age > limit
          end
        end

        # The same reason of several workers is printed once.
        def report(child, status)
          return if child.stopping?

          what = status.signaled? ? "killed by SIG#{::Signal.signame(status.termsig)}" : "status #{status.exitstatus}"
          return @log.warn("#{child} ended: #{what}") if child.ready?

          reason = child.reason.delete_prefix('e').force_encoding(::Encoding::UTF_8)
          @log.warn("#{child} did not start: #{reason.empty? || reason == @reason ? what : reason.chomp}")
          @reason = reason
        end

        # --- a new one ---

        def start(generation, index)
          life, writer = ::IO.pipe
          pid = ::Process.fork { become_worker(generation, index, life, writer) }
          @children[pid] = Child.new(pid, index, generation, life)
        rescue ::SystemCallError => e
          life&.close
          @log.warn("worker #{index} cannot be started: #{e.message}")
          generation.pause(index, MAX_PAUSE)
        ensure
          writer&.close
        end

        # Signals that are for the first process, or come too early, are not to end it.
        def become_worker(generation, index, life, writer)
          %w[INT HUP USR1 USR2 TTIN TTOU].each { |name| ::Signal.trap(name) { nil } }
          %w[TERM QUIT CHLD].each { |name| ::Signal.trap(name, 'DEFAULT') }
          [life, *@private_pipes, *@children.each_value.map(&:life)].each(&:close)
          $PROGRAM_NAME = "polyphony: worker #{index}"
          Notify.forget
          work(generation, index, Life.new(writer, Log.new($stderr, "worker #{index}")))
        end

        def work(generation, index, life)
          Worker.new(generation.configuration, generation.sockets, life, index: index, handler: generation.handler).run
        rescue ::SystemExit
          raise
        rescue ::SignalException => e # before it had handlers of its own
          exit!(128 + e.signo)
        rescue ::Exception => e # rubocop:disable Lint/RescueException -- the process ends
          life.failed(e.is_a?(Polyphony::Error) ? e.message : e.full_message(highlight: false))
          exit!(1)
        end
      end
    end
  end
end
