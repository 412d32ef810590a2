# frozen_string_literal: true

require_relative 'sockets'

module Polyphony
  module HTTP
    module Operation
      # What the workers that were started between two reloads have in common.
      class Generation
        # @return [Configuration]
        attr_reader :configuration
        # @return [Sockets]
        attr_reader :sockets
        # @return [Proc, nil] with `preload`
        attr_reader :handler
        # @return [Integer] how many workers there should be
        attr_accessor :count

        # @param configuration [Configuration]
        # @param others [Array<Generation>] whose sockets it takes over, where places are the same
        # @raise [SystemCallError] when it cannot listen
        # @raise [Exception] what the app fails with, with `preload`
        def initialize(configuration, others = [])
          @configuration = configuration
          @count = configuration.workers
          @sockets = Sockets.new(configuration.bind, from: others.map(&:sockets))
          @failures = Hash.new(0)
          @due = {}
          App.find(configuration.app)
          check_certificates
        rescue ::StandardError
          @sockets&.close(except: others.map(&:sockets))
          raise
        end

        # Loads the app in the first process.
        # @param log [Log]
        # @return [self]
        # @raise [Exception] what the app fails with
        def preload(log)
          threads = ::Thread.list
          @handler = App.load(App.find(@configuration.app))
          warn_of_threads(log, ::Thread.list - threads)
          ::Process.respond_to?(:warmup) ? ::Process.warmup : ::GC.start # what is shared stays shared
          self
        end

        # Closes what no other generation needs.
        # @param others [Array<Generation, nil>]
        def close(*others)
          @sockets.close(except: others.compact.map(&:sockets))
        end

        # @param index [Integer] of a worker
        # @return [Boolean] whether it may be started now
        def due?(index) = now >= @due.fetch(index, 0)

        # @param index [Integer] of a worker that did not live long
        # @param seconds [Numeric] the longest pause
        # @return [Numeric] seconds before it is started again: 0, 1, 2, 4 and so on
        def pause(index, seconds)
          failures = (@failures[index] += 1)
          pause = failures == 1 ? 0 : [2**[failures - 2, 10].min, seconds].min
          @due[index] = now + pause
          pause
        end

        # @param index [Integer] of a worker that lives
        def settled(index)
          @failures.delete(index)
        end

        private

        def warn_of_threads(log, threads)
          return if threads.empty?

          log.warn("the app started #{threads.size} threads while it was preloaded: workers do not have them. " \
                   'Start them in on_worker_start')
        end

        # Once here, rather than in each worker.
        def check_certificates
          return unless @configuration.tls

          require_relative '../tls'
          TLS.new(@configuration.tls)
        end

        def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
    end
  end
end
