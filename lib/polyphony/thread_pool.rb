# frozen_string_literal: true

require 'etc'

module Polyphony
  # Runs what blocks a whole thread (a C library, a large computation, a regular file) on worker
  # threads, so that the fibers of this one go on.
  #
  #   POOL = Polyphony::ThreadPool.new
  #   rows = POOL.process { database.execute(sql) }
  class ThreadPool
    # @return [Integer] how many worker threads there can be
    attr_reader :size

    # @param size [Integer] worker threads; they are started when first needed
    # @raise [ArgumentError]
    def initialize(size = ::Etc.nprocessors)
      @size = Polyphony.count(size, 'size')
      prepare
    end

    # Runs the block on a worker; at once if this is one of the pool's workers, which must not wait
    # for another to get free.
    #
    # @return [Object] the block's value
    # @raise [Exception] what the block raised
    # @raise [Polyphony::Closed] after {#stop}
    # @suspends until the block is done. When the waiting fiber is stopped meanwhile, the job goes on
    def process(&block)
      job = Job.new(block)
      return job.run.value if @workers.include?(::Thread.current)

      scheduler = Scheduler.install
      scheduler.external(1)
      begin
        enqueue(job)
        job.await
      ensure
        scheduler.external(-1)
      end
    end

    # Runs the block on a worker and does not wait for it. An error is reported on $stderr.
    #
    # @return [self]
    # @raise [Polyphony::Closed] after {#stop}
    # @suspends no
    def cast(&block)
      enqueue(Job.new(block, report: true))
      self
    end

    # @return [Boolean] whether jobs wait for a worker
    def busy?
      !@queue.empty?
    end

    # Lets the workers finish what was given to them, then ends them.
    #
    # @return [void]
    # @suspends until they have ended
    def stop
      @queue.close
      @workers.each { |worker| worker.join unless worker.equal?(::Thread.current) }
      @workers.clear
    end

    # @return [String]
    def inspect
      "#<#{self.class} size=#{@size} queued=#{@queue.size}>"
    end

    private

    def prepare
      @pid = ::Process.pid
      @queue = ::Thread::Queue.new
      @workers = []
    end

    def enqueue(job)
      prepare if @pid != ::Process.pid # a forked child has none of the threads
      raise Closed, 'the thread pool is stopped' if @queue.closed?

      @queue.push(job)
      return if @queue.size <= @queue.num_waiting

      @workers.select!(&:alive?) # a job may have ended its thread
      @workers.push(::Thread.new { work }) if @workers.size < @size
    end

    def work
      while (job = @queue.pop)
        job.run
      end
    end

    # One block to run, and who waits for it.
    class Job
      # @param block [Proc]
      # @param report [Boolean] nobody waits: print an error
      def initialize(block, report: false)
        raise ::ArgumentError, 'a block is required' unless block

        @block = block
        @report = report
      end

      # On the worker.
      # @return [self]
      def run
        @error = Error.new('the job ended its worker thread') # unless one of the next lines is reached
        @value = @block.call
        @error = nil
        self
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised in who waits
        @error = e
        warn("Polyphony::ThreadPool: job failed: #{e.full_message(highlight: false)}") if @report
        self
      ensure
        @done = true
        @task&.wake
      end

      # @return [String] the reason of who waits for it
      # @suspends no
      def to_s
        "thread pool job #{@block.source_location&.join(':') || '(native)'}"
      end

      # @return [Object] the block's value
      # @suspends until the job is done
      def await
        @task = Scheduler.task
        Scheduler.park(self) until @done
        value
      end

      # @return [Object] the block's value, once it is done
      # @raise [Exception] what the block raised
      # @suspends no
      def value
        raise @error if @error

        @value
      end
    end
    private_constant :Job
  end
end
