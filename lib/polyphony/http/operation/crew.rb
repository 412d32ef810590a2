# frozen_string_literal: true

require_relative 'crew/starting'
require_relative 'child'
require_relative 'life'
require_relative 'worker'

module Polyphony
  module HTTP
    module Operation
      # The workers of a {Cluster}.
      class Crew
        include Starting

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
      end
    end
  end
end
