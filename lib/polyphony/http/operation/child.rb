# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      # A worker, as the cluster sees it.
      class Child
        # Seconds beyond the grace before a worker is killed.
        KILL_AFTER = 5

        # @return [Integer]
        attr_reader :pid, :index
        # @return [Generation]
        attr_reader :generation
        # @return [IO] what it says
        attr_reader :life
        # @return [String] why it could not start, as far as it could say
        attr_reader :reason

        def initialize(pid, index, generation, life)
          @pid = pid
          @index = index
          @generation = generation
          @life = life
          @started = @seen = now
          @state = :starting
          @reason = +''
        end

        # Reads what it has said: see {Life}.
        # @return [void]
        def listen
          said = @life.read_nonblock(65_536, exception: false)
          return @deaf = true if said.nil?
          return unless said.is_a?(::String)

          @seen = now
          return @reason << said if said.start_with?('e') || !@reason.empty?

          @state = :ready if @state == :starting
        end

        # It has ended: what was its reason?
        # @return [void]
        def listen_to_the_end
          listen while starting? && !deaf? && @life.wait_readable(0)
          @life.close
        end

        # @return [Boolean] whether nothing more will be heard of it
        def deaf? = @deaf ? true : false

        def ready? = @state == :ready

        def starting? = @state == :starting

        def stopping? = @state == :stopping

        # @return [Float] seconds since it was started
        def age = now - @started

        # @return [Float] seconds since its last sign of life
        def silence = now - @seen

        # Asks it to let its requests finish, and to end.
        # @param grace [Numeric] seconds; it is killed when it takes much longer
        def stop(grace = @generation.configuration.grace)
          return if stopping?

          @state = :stopping
          @deadline = now + grace + KILL_AFTER
          signal(:TERM)
        end

        # Kills it when its time is over.
        # @return [Boolean] whether it did, the first time
        def enforce
          return false if @killed || !stopping? || now <= @deadline

          @killed = true
          signal(:KILL)
          true
        end

        # @param name [Symbol, String] of a signal; nothing happens when the process is gone
        def signal(name)
          ::Process.kill(name, @pid)
        rescue ::Errno::ESRCH
          nil
        end

        # @return [String]
        def to_s = "worker #{@index} (#{@pid})"

        private

        def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
    end
  end
end
