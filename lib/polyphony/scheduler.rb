# frozen_string_literal: true

require_relative 'version'
require_relative 'errors'
require 'polyphony/scheduler_ext'
require_relative 'scheduler/closing'

module Polyphony
  # A Fiber::Scheduler on libev, written in C (ext/scheduler). Set it, and Ruby's own blocking
  # methods let other fibers run while they wait:
  #
  #   Fiber.set_scheduler(Polyphony::Scheduler.new)
  #   Fiber.schedule { puts Net::HTTP.get(URI('http://example.com/')) }
  #
  # One scheduler serves the thread that made it. Here are the hooks that are rare and better
  # written in Ruby; the others, and the loop, are in C.
  class Scheduler
    include Closing

    # Threads that look up names at the same time, for all schedulers of the process.
    MAX_LOOKUPS = 16

    # @param backend [String, Symbol, nil] the event loop to use; default POLYPHONY_BACKEND, else libev
    # @raise [ArgumentError] for a backend that is not built in
    # @raise [Polyphony::Error] in a Ractor
    # @suspends no
    def initialize(backend: ENV.fetch('POLYPHONY_BACKEND', nil))
      unless Ractor.current == Ractor.main
        raise Error, 'Polyphony runs in the main Ractor only: other Ractors have no fiber scheduler of ours. ' \
                     'Use Polyphony::Thread or a ThreadPool for parallel work'
      end
      setup(backend&.to_s)
      seed = ENV.fetch('POLYPHONY_SHUFFLE', nil)
      self.shuffle = Integer(seed) if seed && !seed.empty?
    end

    # The running thread's scheduler, installed if it has none.
    #
    # @return [Polyphony::Scheduler]
    # @raise [Polyphony::Error] when another library's scheduler is installed
    # @suspends no
    def self.install
      current || begin
        other = ::Fiber.scheduler
        raise Error, "this thread already has a fiber scheduler: #{other.class}. #{FOREIGN_HINT}" if other

        ::Fiber.set_scheduler(new)
        current
      end
    end

    FOREIGN_HINT = 'One thread has one scheduler; run Polyphony in a thread of its own (Polyphony::Thread.new)'
    private_constant :FOREIGN_HINT

    # The hook of name resolution. The answer comes from the system's resolver (getaddrinfo), so
    # /etc/hosts, nsswitch.conf, search domains and address order are as everywhere; it runs in a
    # thread, because it blocks.
    #
    # @param hostname [String]
    # @return [Array<String>] numeric addresses, best first; empty when there is none
    # @suspends until the name is resolved
    def address_resolve(hostname)
      in_thread("look-up of #{hostname}", Lookups) { Lookups.addresses(hostname) }
    end

    # Closes the scheduler at the end of its thread: what `Fiber.schedule` started is waited for.
    # Called by Ruby. An error in a fiber ends the others and is raised at the end.
    #
    # @return [void]
    # @suspends until all fibers have ended
    def scheduler_close
      close_once unless closed?
    end
    alias close scheduler_close

    # @return [String]
    def inspect
      "#<#{self.class} #{closed? ? 'closed' : "fibers=#{live}"}>"
    end

    private

    # The error for a program in which nothing can ever wake a fiber; nil if a signal handler might.
    def deadlock_error
      Deadlock.for(self) unless SignalHandlers.any?
    end

    # Called when the system has no memory (or no mappings) for one more fiber's stack. Fibers queued
    # together fail together: they share one error, which then reaches their parent once.
    def start_error(error)
      return error unless error.is_a?(::FiberError)

      now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      return @start_error if @start_error && now - @start_error_at < 1

      @start_error_at = now
      @start_error = ::FiberError.new(
        "#{error.message} (#{live} fibers are alive). Each suspended fiber takes two memory mappings; " \
        'raise the limit with `sysctl -w vm.max_map_count=1000000`, or start fewer fibers at once'
      )
    end

    # waitpid for what a pidfd cannot do: any child, a group, stopped children.
    def process_wait_in_thread(pid, flags)
      in_thread("wait for #{pid}") { ::Process::Status.wait(pid, flags) }
    end

    def helper_thread(limit)
      ::Thread.new do
        yield
      ensure
        limit&.release
      end
    rescue ::ThreadError
      limit&.release
      raise
    end

    # Runs the block in a thread and suspends meanwhile.
    def in_thread(name, limit = nil)
      external(1)
      limit&.acquire
      thread = helper_thread(limit) { yield }
      thread.report_on_exception = false
      thread.name = name # to be seen in Fiber#waiting_on
      thread.value
    ensure
      thread&.kill # nobody wants the answer any more
      external(-1)
    end
  end
end

require_relative 'scheduler/lookups'
require_relative 'scheduler/signal_handlers'
require_relative 'scheduler/inspection'
