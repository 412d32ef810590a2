# frozen_string_literal: true

module Polyphony
  class Trace
    # The traces of one scheduler, which knows one tracer.
    class Tracers
      # @param scheduler [Scheduler]
      # @return [Tracers]
      # @suspends no
      def self.of(scheduler)
        current = scheduler.trace
        current.is_a?(Tracers) ? current : new(scheduler, current)
      end

      # @param scheduler [Scheduler]
      # @param other [#call, nil] a tracer set by hand: it stays one of them
      def initialize(scheduler, other)
        @scheduler = scheduler
        @traces = [other].compact
      end

      # @param trace [Trace]
      # @return [void]
      # @suspends no
      def add(trace)
        @traces += [trace]
        @scheduler.trace = self
      end

      # @param trace [Trace]
      # @return [void]
      # @suspends no
      def remove(trace)
        @traces -= [trace]
        @scheduler.trace = nil if @traces.empty?
      end

      # Called for each event. They may come and go meanwhile.
      # @suspends no
      def call(name, task, detail, time)
        @traces.each { |trace| trace.call(name, task, detail, time) }
      end
    end
    private_constant :Tracers
  end
end
