# frozen_string_literal: true

module Polyphony
  class ThreadPool
    # The threads of a pool, and the queue before them.
    module Workers
      private

      # Also in a forked child, which has none of the threads.
      def prepare
        @pid = ::Process.pid
        @queue = ::Thread::Queue.new
        @room = Semaphore.new(@queue_limit) if @queue_limit
        @workers = []
        @started = @running = 0
        @lock = Exclusion.new
      end

      def worker?
        @workers.include?(::Thread.current)
      end

      def enqueue(job)
        prepare if @pid != ::Process.pid
        refuse if @queue.closed?
        @room&.acquire
        @queue.push(job)
        start_worker
      rescue ::ClosedQueueError
        refuse
      end

      def refuse
        raise Closed, "#{inspect} takes no more jobs"
      end

      # Starts one more if all are busy, and there may be more.
      def start_worker
        @lock.synchronize do
          next if @queue.size <= @queue.num_waiting || (@workers.size >= @size && @workers.all?(&:alive?))

          @workers.select!(&:alive?)
          @workers.push(new_worker)
        end
      end

      def new_worker
        number = @started += 1
        ::Thread.new { work }.tap { |thread| thread.name = "#{@name} #{number}" }
      end

      def work
        while (job = @queue.pop)
          @room&.release
          count_running(1)
          job.work
          count_running(-1)
          job = nil # nothing of it is kept alive while the worker waits
        end
        done = true
      ensure
        replace_worker(job) unless done
      end

      # A job has ended its thread. Others may be waiting for it.
      def replace_worker(job)
        count_running(-1) if job
        @lock.synchronize { @workers.delete(::Thread.current) }
        start_worker
      end

      def count_running(by)
        @lock.synchronize { @running += by }
      end

      def drop_queued
        while (job = @queue.pop(true))
          @room&.release
          job.drop(Closed.new('the thread pool was stopped before the job began'))
        end
      rescue ::ThreadError
        nil # the queue is empty
      end

      def end_workers
        while (worker = @workers.find { |thread| !thread.equal?(::Thread.current) })
          worker.join
          @lock.synchronize { @workers.delete(worker) }
        end
      end
    end
    private_constant :Workers
  end
end
