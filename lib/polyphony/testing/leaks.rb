# frozen_string_literal: true

require_relative 'leaks/fibers'
require_relative 'leaks/descriptors'
require_relative 'leaks/threads'
require_relative 'leaks/processes'

module Polyphony
  module Testing
    # Something was left behind. Stop the fiber, close the IO, join the thread or wait for the process
    # that the message names.
    class LeakError < Error
      # @return [Array<Leaks::Leak>]
      attr_reader :leaks

      # @param leaks [Array<Leaks::Leak>]
      def initialize(leaks)
        @leaks = leaks
        super([leaks.size == 1 ? 'this was left behind:' : 'these were left behind:', *leaks].join("\n  "))
      end
    end

    # Compares what there is with what there was: fibers of the running thread, descriptors, threads
    # and child processes of this process.
    #
    #   before = Polyphony::Testing::Leaks.snapshot
    #   …
    #   puts Polyphony::Testing::Leaks.compare(before)
    module Leaks
      KINDS = { fibers: Fibers, descriptors: Descriptors, threads: Threads, processes: Processes }.freeze
      private_constant :KINDS

      # One thing left behind.
      class Leak
        # @return [Symbol] :fibers, :descriptors, :threads or :processes
        attr_reader :kind
        # @return [String] what it is
        attr_reader :what
        # @return [String, nil] where in the program it began, if that is known
        attr_reader :where

        # @param kind [Symbol]
        # @param what [String]
        # @param where [String, nil]
        # @api private
        def initialize(kind, what, where)
          @kind = kind
          @what = what
          @where = where
        end

        # @return [String]
        def to_s
          where ? "#{what} (#{where})" : what
        end
      end

      # @param ignore [Symbol, Array<Symbol>] kinds to leave out
      # @param trace [Boolean] note where IOs are opened until {compare}; slows everything down
      # @return [Hash] for {compare}
      # @raise [ArgumentError] for a kind that there is not
      # @suspends no
      def self.snapshot(ignore: [], trace: false)
        unknown = [*ignore] - KINDS.keys
        raise ::ArgumentError, "no such kind: #{unknown.inspect}; there are #{KINDS.keys}" unless unknown.empty?

        Descriptors.trace if trace
        KINDS.except(*ignore).transform_values(&:now).merge(trace: trace)
      end

      # What is there and was not. Threads and fibers that are about to end get some time to do so.
      #
      # @param before [Hash] a {snapshot}
      # @param grace [Numeric] real seconds
      # @return [Array<Leak>]
      # @suspends while there are leaks, until +grace+ is over
      def self.compare(before, grace: 0.5)
        deadline = real_time + Polyphony.duration(grace, 'grace')
        found = differences(before)
        until found.empty? || real_time >= deadline
          pause
          found = differences(before)
        end
        found.flat_map { |kind, things| things.map { |key, thing| Leak.new(kind, *KINDS[kind].describe(key, thing)) } }
      ensure
        Descriptors.untrace if before[:trace]
      end

      def self.differences(before)
        before.except(:trace).to_h { |kind, old| [kind, KINDS[kind].now.reject { |key, _| old.key?(key) }] }
              .reject { |_, things| things.empty? }
      end
      private_class_method :differences

      # Lets fibers, or threads, go on. The virtual clock must not jump for this.
      def self.pause
        ::Thread.pass
        if Scheduler.current && !::Fiber.current.blocking?
          Polyphony.snooze
        else
          sleep 0.005
        end
      end
      private_class_method :pause

      def self.real_time
        ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
      private_class_method :real_time
    end

    # Runs the block, and raises when fibers, descriptors, threads or child processes are there after
    # it that were not before. An error of the block goes first.
    #
    # @param ignore [Symbol, Array<Symbol>] :fibers, :descriptors, :threads, :processes
    # @param trace [Boolean] tell where a leaked IO was opened; slow
    # @param grace [Numeric] real seconds for what is about to end
    # @return [Object] the block's value
    # @raise [LeakError]
    # @raise [ArgumentError] for a kind that there is not
    # @suspends as its block does, and while there are leaks, until +grace+ is over
    def self.assert_no_leaks(ignore: [], trace: false, grace: 0.5)
      raise ::ArgumentError, 'a block is required' unless block_given?

      before = Leaks.snapshot(ignore: ignore, trace: trace)
      value = yield
      leaks = Leaks.compare(before, grace: grace)
      leaks.empty? ? value : raise(LeakError.new(leaks))
    end
  end
end
