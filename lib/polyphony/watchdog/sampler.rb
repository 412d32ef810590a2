# frozen_string_literal: true

module Polyphony
  class Watchdog
    # Looks from a thread of its own at a fiber that does not let others run.
    class Sampler
      # Seconds between two looks, at least and at most.
      PAUSES = (0.01..1.0).freeze
      # Seconds after which a fiber is reported that still holds the loop.
      STUCK = 1.0
      # What was seen: who ran when, and where; at which time it is to be reported (again), and whether it was.
      Sample = ::Struct.new(:task, :time, :backtrace, :next_report, :reported)
      private_constant :PAUSES, :STUCK, :Sample

      # @param scheduler [Scheduler]
      # @param threshold [Numeric] seconds
      # @param outlet [Outlet]
      def initialize(scheduler, threshold, outlet)
        @scheduler = scheduler
        @threshold = threshold
        @outlet = outlet
        @watched = scheduler.root.thread
      end

      # @return [self]
      # @suspends no
      def start
        @thread = ::Thread.new { look_around }
        @thread.name = 'polyphony watchdog'
        @thread.report_on_exception = false
        @scheduler.sampler = @thread
        self
      end

      # @return [void]
      # @suspends no
      def stop
        @scheduler.sampler = nil unless @scheduler.closed?
        @thread.kill
      end

      # @param task [Scheduler::Task] who held the loop
      # @param seconds [Numeric] for how long until now
      # @return [Sample, nil] the last time it was seen doing so
      # @suspends no
      def sample_of(task, seconds)
        sample = @sample
        sample if sample && task.equal?(sample.task) && sample.time >= clock - seconds
      end

      private

      def look_around
        pause = (@threshold / 2.0).clamp(PAUSES)
        while @watched.alive? && !@scheduler.closed?
          look
          sleep(pause)
        end
      rescue ::StandardError => e
        @scheduler.main.interrupt(e)
      end

      def look
        task, seconds = @scheduler.running
        return if task.nil? || seconds < @threshold

        lines = @watched.backtrace
        now, = @scheduler.running
        return unless now.equal?(task) # else the lines may be another's

        note(task, seconds, Frames.shown(lines))
        report(seconds) if seconds >= @sample.next_report
      end

      def note(task, seconds, lines)
        before = sample_of(task, seconds)
        next_report = before ? before.next_report : [STUCK, @threshold].max
        @sample = Sample.new(task, clock, lines, next_report, before&.reported)
      end

      def report(seconds)
        @sample.reported = true
        @sample.next_report = seconds * 2
        @outlet.report(Report.new(@sample.task, seconds, @sample.backtrace, nil, true))
      end

      def clock
        ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end
    end
    private_constant :Sampler
  end
end
