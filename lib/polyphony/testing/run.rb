# frozen_string_literal: true

module Polyphony
  # Running a test: in a fiber of its own, by a virtual clock, in a shuffled order.
  module Testing
    # Errors that mean an end, not a failure.
    ENDS = [::SystemExit, ::SignalException, ::NoMemoryError, Stop, CancelScope::Expired].freeze
    private_constant :ENDS

    class << self
      # Runs the block in a fiber, as the main fiber of a program: its children end with it, and what
      # they fail with comes out.
      #
      # @param seed [Integer, true, nil] runs fibers in an order made from this seed; true: from one
      #   that is chosen, and told by the error if the block fails; nil: in order (or POLYPHONY_SHUFFLE)
      # @param clock [Symbol, nil] :virtual for {Testing.virtual_clock}; nil or :real
      # @param threshold [Numeric] of the virtual clock, in real seconds
      # @param leaks [Boolean] whether it is an error that something is left, see {Testing.assert_no_leaks}
      # @yieldparam clock [VirtualClock, nil]
      # @return [Object] the block's value
      # @raise [Exception] what the block, or an unrescued fiber, raised
      # @raise [LeakError]
      # @suspends until the block and all fibers spun in it have ended
      def run(seed: nil, clock: nil, threshold: 0, leaks: false, &block)
        raise ::ArgumentError, 'a block is required' unless block
        unless [nil, :real, :virtual].include?(clock)
          raise ::ArgumentError, "clock must be :real or :virtual, not #{clock.inspect}"
        end
        return assert_no_leaks { run(seed: seed, clock: clock, threshold: threshold, &block) } if leaks

        Polyphony.duration(threshold, 'threshold')
        body = with_children(block)
        with_order(seed) do |scheduler|
          body.call(clock == :virtual ? VirtualClock.new(scheduler, threshold, true) : nil)
        end
      end

      # Runs the block with fibers in a random order: whenever one waits, any of those that can run is
      # next, not the one that has been ready for longest. The same seed gives the same order, as long
      # as nothing from outside (IO, threads, real time) meddles.
      #
      # @param seed [Integer, true] true: one is chosen, and told by the error if the block fails
      # @yieldparam seed [Integer]
      # @return [Object] the block's value
      # @raise [TypeError] unless it is an Integer
      # @suspends as its block does
      def shuffle(seed = true, &block)
        raise ::ArgumentError, 'a block is required' unless block

        raise ::ArgumentError, 'a seed is required' if seed.nil?

        with_order(seed) { |scheduler| block.call(scheduler.shuffle) }
      end

      # Runs the block again and again, each time with another seed. The first error ends that; its
      # message tells the seed.
      #
      # @param count [Integer] how often
      # @param from [Integer] the first seed
      # @param options [Hash] those of {Testing.run}
      # @yieldparam seed [Integer]
      # @return [Integer] +count+
      # @raise [Exception] what the block raised
      # @suspends as its block does
      def each_seed(count, from: 1, **options, &block)
        raise ::ArgumentError, 'a block is required' unless block

        Polyphony.count(count, 'count')
        from.upto(from + count - 1) do |seed|
          noting(seed) { run(**options, seed: seed) { block.call(seed) } }
        end
        count
      end

      # @return [Integer, nil] the seed that the running thread's fibers are shuffled by
      # @suspends no
      def seed
        Scheduler.current&.shuffle
      end

      # The seed of a test: the one it was given, or that of POLYPHONY_SHUFFLE, from which a shuffled
      # test can be repeated.
      #
      # @param given [Integer, true, nil] true: it is to be shuffled
      # @param own [Integer] of the runner
      # @return [Integer, nil]
      # @api private
      # @suspends no
      def seed_for(given, own)
        return given if given.is_a?(::Integer)

        ::Kernel.Integer(::ENV.fetch('POLYPHONY_SHUFFLE', nil), exception: false) || (own if given)
      end

      # @param error [Exception]
      # @param note [String]
      # @return [Exception] a copy of +error+ with the note in its message
      # @api private
      # @suspends no
      def noted(error, note)
        error.exception("#{error.message}\n(#{note})")
      rescue ::StandardError
        error # it cannot be copied
      end

      private

      # @yieldparam scheduler [Scheduler] that runs fibers in the order of +seed+; nil: as before
      def with_order(seed)
        chosen = seed == true ? ::Random.rand(1 << 32) : seed
        raise ::TypeError, "seed must be an Integer, not #{seed.inspect}" unless chosen.nil? || chosen.is_a?(::Integer)

        noting(seed == true && chosen) do
          inside do |scheduler|
            scheduler.shuffle = chosen if chosen
            yield scheduler
          end
        end
      end

      # The fibers spun by the block end with it: by the same clock and in the same order.
      def with_children(block)
        return block unless fiber?

        ->(clock) { Polyphony.spin(:test) { block.call(clock) }.await }
      end

      # @return [Boolean] whether stock methods let other fibers run here
      def fiber?
        !Scheduler.current.nil? && !::Fiber.current.blocking?
      end

      # Runs the block in a fiber. Clock and order of the scheduler are then as before: after the end of
      # all fibers, if they are those of a run of its own.
      def inside(&block)
        scheduler = Scheduler.current
        return keeping(scheduler) { block.call(scheduler) } if fiber?

        keeping(scheduler) { Polyphony.run { block.call(Scheduler.current) } }
      end

      def keeping(scheduler)
        return yield unless scheduler

        clock = scheduler.virtual_clock
        seed = scheduler.shuffle
        begin
          yield
        ensure
          scheduler.virtual_clock = clock unless scheduler.virtual_clock == clock
          scheduler.shuffle = seed unless scheduler.shuffle == seed
        end
      end

      # Tells the seed in the message of what the block raises.
      def noting(seed)
        yield
      rescue *ENDS
        raise
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again
        raise unless seed

        raise noted(e, "shuffled with seed #{seed}"), cause: e.cause
      end
    end
  end
end
