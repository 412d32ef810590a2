# frozen_string_literal: true

require 'etc'
require_relative 'thread_pool/job'
require_relative 'thread_pool/workers'

module Polyphony
  # Runs what blocks a whole thread (a C library, a large computation, a regular file) on worker
  # threads, so that the fibers of this one go on.
  #
  #   POOL = Polyphony::ThreadPool.new(4, name: 'sqlite')
  #   rows = POOL.process { database.execute(sql) }
  #
  # Threads are started when they are first needed, and stay until {#stop}. A forked child has none of them, and
  # starts its own.
  class ThreadPool
    include Workers

    # @return [Integer] how many worker threads there can be
    attr_reader :size
    # @return [String] the workers are named after it
    attr_reader :name

    # The pool of the process: one worker for each processor, made at first use.
    #
    # @return [Polyphony::ThreadPool]
    # @suspends no
    def self.default
      DEFAULT_LOCK.synchronize { @default ||= new(name: 'polyphony') }
    end

    DEFAULT_LOCK = Exclusion.new
    private_constant :DEFAULT_LOCK

    # @param size [Integer] worker threads
    # @param name [String] what its threads are called, with a number
    # @param queue_limit [Integer, nil] jobs that may wait for a worker before {#process} and {#cast} wait, too;
    #   nil: any number
    # @param on_error [#call, nil] is given each error of a {#cast}, on the worker; nil: it is printed
    # @raise [ArgumentError, TypeError]
    # @suspends no
    def initialize(size = ::Etc.nprocessors, name: 'thread pool', queue_limit: nil, on_error: nil)
      unless on_error.nil? || on_error.respond_to?(:call)
        raise ::TypeError, "on_error: takes something to call with an error, not #{on_error.inspect}"
      end

      @size = Polyphony.count(size, 'size')
      @name = name.to_s
      @queue_limit = queue_limit && Polyphony.count(queue_limit, 'queue_limit')
      @on_error = on_error
      prepare
    end

    # Runs the block on a worker; at once if this is one of the pool's workers, which must not wait for another
    # to get free. The block sees the calling fiber's storage (`Fiber[:name]`, from Ruby 3.2 on); in
    # `Thread.current[:name]` it finds nothing. Fibers that it spins end with it.
    #
    # When the waiting fiber is stopped or cut, a job that no worker has begun is withdrawn; one that runs goes on,
    # and its error, if it comes to that, is treated as that of a {#cast}.
    #
    # @return [Object] the block's value
    # @raise [Exception] what the block raised; its backtrace goes on with the caller's
    # @raise [Polyphony::Error] when the block ended its thread
    # @raise [Polyphony::Closed] after {#stop}
    # @raise [ArgumentError] without a block
    # @suspends until the block is done; always a point where the fiber can be stopped, but in a worker
    def process(&block)
      job = Job.new(block)
      return job.run.value if worker?

      scheduler = Scheduler.install
      Scheduler.checkpoint
      scheduler.external(1)
      begin
        enqueue(job)
        job.await
      ensure
        scheduler.external(-1)
        job.abandon(@on_error || REPORT) unless job.done?
      end
    end

    # Runs the block on a worker and does not wait for it. An error goes to +on_error+, or to $stderr.
    #
    # @return [self]
    # @raise [Polyphony::Closed] after {#stop}
    # @raise [ArgumentError] without a block
    # @suspends only while a +queue_limit+ is reached
    def cast(&block)
      enqueue(Job.new(block, on_error: @on_error || REPORT))
      self
    end

    REPORT = ->(error) { warn("Polyphony::ThreadPool: job failed: #{error.full_message(highlight: false)}") }
    private_constant :REPORT

    # @return [Boolean] whether jobs wait for a worker
    # @suspends no
    def busy?
      queued.positive?
    end

    # @return [Integer] jobs that wait for a worker
    # @suspends no
    def queued = @queue.size

    # @return [Integer] jobs that workers are running
    # @suspends no
    def running = @running

    # @return [Boolean]
    # @suspends no
    def stopped? = @queue.closed?

    # Takes no more jobs, lets the workers finish what was given to them, and ends them.
    #
    # @param now [Boolean] drop the jobs that no worker has begun: their {#process} raises {Closed}
    # @return [void]
    # @suspends until the workers have ended, but for the one that it is called on; always a point where the
    #   fiber can be stopped
    def stop(now: false)
      @queue.close
      drop_queued if now
      end_workers
    end

    # @return [String]
    def inspect
      state = stopped? ? 'stopped' : "threads=#{@workers.size}/#{@size} running=#{running} queued=#{queued}"
      "#<#{self.class} #{@name.inspect} #{state}>"
    end
  end
end
