# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      # A worker, as the cluster sees it.
      class Child
        # @return [Integer]
        attr_reader :pid, :index, :generation
        # @return [IO] what it says
        attr_reader :life

        def initialize(pid, index, generation, life)
          @pid = pid
          @index = index
          @generation = generation
          @life = life
          @started = @seen = now
          @state = :starting
        end

        # Reads what it has said.
        # @return [Boolean] whether it has become ready just now
        def listen
          said = @life.read_nonblock(4096, exception: false)
          return false unless said.is_a?(::String)

          @seen = now
          return false unless @state == :starting && said.include?('r')

          @state = :ready
          true
        end

        def ready? = @state == :ready

        def stopping? = @state == :stopping

        # @return [Float] seconds since it was started
        def age = now - @started

        # @return [Float] seconds since its last sign of life
        def silence = now - @seen

        # @param grace [Numeric] seconds, after which it is killed
        def stop(grace)
          return if stopping?

          @state = :stopping
          @deadline = now + grace
          signal(:TERM)
        end

        # Kills it when its time is over.
        def enforce
          signal(:KILL) if stopping? && now > @deadline
        end

        # @param name [Symbol] of a signal; nothing happens when the process is gone
        def signal(name)
          ::Process.kill(name, @pid)
        rescue ::Errno::ESRCH
          nil
        end

        private

        def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
    end
  end
end
