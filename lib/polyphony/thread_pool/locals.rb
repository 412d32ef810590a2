# frozen_string_literal: true

module Polyphony
  class ThreadPool
    # What a job finds in the variables of its fiber: the storage of the fiber that it was given from (Fiber[:name],
    # from Ruby 3.2 on), and nothing in Thread.current[:name]. The next job on the thread finds nothing of it.
    class Locals
      STORAGE = ::Fiber.respond_to?(:[])
      private_constant :STORAGE

      def initialize
        @storage = ::Fiber.current.storage if STORAGE
      end

      # Runs the block with them, in a worker's root fiber.
      #
      # @return [Object] the block's value
      # @suspends as its block does
      def with
        clear # a new thread has a copy of its maker's
        @storage&.each { |name, value| ::Fiber[name] = value }
        yield
      ensure
        end_fibers
        clear
      end

      private

      # What the job has spun ends with it.
      def end_fibers
        ::Fiber.set_scheduler(nil) if ::Fiber.scheduler
      end

      def clear
        thread = ::Thread.current
        thread.keys.each { |name| thread[name] = nil }
        ::Fiber.current.storage&.each_key { |name| ::Fiber[name] = nil } if STORAGE
      end
    end
    private_constant :Locals
  end
end
