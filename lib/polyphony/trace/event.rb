# frozen_string_literal: true

module Polyphony
  class Trace
    # One step of one fiber.
    #
    # | Name | When | Detail |
    # |---|---|---|
    # | `:spin` | a fiber was spun, or scheduled: it is queued | |
    # | `:run` | it starts, or goes on after a wait | |
    # | `:wait` | it waits | what for, as in {FiberMethods#waiting_on} |
    # | `:end` | it is over | |
    # | `:poll` | nothing was to be run, and the thread slept; no fiber | for how many seconds |
    class Event
      # All names.
      NAMES = %i[spin run wait end poll].freeze

      # @return [Symbol]
      attr_reader :name
      # @return [Fiber, nil]
      attr_reader :fiber
      # @return [String, Float, nil]
      attr_reader :detail
      # @return [Float] seconds on the clock of {Polyphony.now}
      attr_reader :time

      # @param task [Scheduler::Task, nil]
      # @return [Fiber, nil]
      # @suspends no
      # @api private
      def self.fiber_of(task)
        task && (task.handle&.fiber || task.fiber)
      end

      # @api private
      def initialize(name, fiber, detail, time)
        @name = name
        @fiber = fiber
        @detail = detail
        @time = time
      end

      # @return [Object, nil] the fiber's tag
      # @suspends no
      def tag
        @fiber.tag if @fiber.is_a?(FiberMethods)
      end

      # One line, made to be searched: "trace 12.345678 wait worker app.rb:3: sleep 1.0 s".
      #
      # @return [String]
      # @suspends no
      def to_s
        detail = @detail.is_a?(::Float) ? format('%.6f s', @detail) : @detail
        [[format('trace %.6f %s', @time, @name), whose].compact.join(' '), detail].compact.join(': ')
      end

      # @return [String]
      # @suspends no
      def inspect
        "#<#{self.class} #{self}>"
      end

      private

      def whose
        return if @fiber.nil?
        return @fiber.inspect unless @fiber.is_a?(FiberMethods)

        [Tree::Words.tag(tag), Frames.short(@fiber.location)].compact.join(' ')
      end
    end
  end
end
