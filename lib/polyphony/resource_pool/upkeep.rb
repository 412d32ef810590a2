# frozen_string_literal: true

require_relative 'entry'
require_relative 'options'

module Polyphony
  class ResourcePool
    # The course of a resource: a place is taken for it, it is made, used, kept, and closed (see Disposal). The
    # place is counted from before it is made until after it is closed, whatever goes wrong meanwhile.
    module Upkeep
      private

      def notice_fork
        start_empty if @pid != ::Process.pid
      end

      # Also in a forked child. What was made in the parent stays referred to: a finalizer might well say good-bye
      # on a connection that the parent goes on using.
      def start_empty
        mine = @held && @held[Lifecycle.current]
        @left_behind = [@left_behind, @idle, @held] if @idle
        @pid = ::Process.pid
        @size = 0
        @idle = []
        @held = {}.compare_by_identity
        return unless mine

        mine.inherited = mine.discarded = true
        @held[Lifecycle.current] = mine
      end

      def available?
        !@idle.empty? || @size < @limit
      end

      # @return [Entry, nil] a new place, unless there are enough
      def new_place
        return if @size >= @limit || @closed

        @size += 1
        Entry.new
      end

      def take(timeout)
        entry = @line.take(timeout) { @closed ? :closed : @idle.pop || new_place }
        raise Closed, 'the resource pool is closed' if entry == :closed

        entry || raise(TimeoutError, "no resource was free in time (limit #{@limit}, #{waiting} waiting)")
      end

      def fill(count)
        while (entry = @line.synchronize { new_place if @size < count })
          give_back(ready(entry))
        end
        raise Closed, 'the resource pool is closed' if @closed
      end

      # Makes the resource, or checks it. Both may wait, and fail.
      def ready(entry)
        retire(entry) if entry.made? && !@options.fit?(entry)
        make(entry) unless entry.made?
        raise Closed, 'the resource pool was closed meanwhile' if @closed

        done = entry
      ensure
        forsake(entry) unless done
      end

      def make(entry)
        entry.fill(@allocator.call)
        @made += 1
      end

      def use(entry, life, block)
        @held[life] = entry
        block.call(entry.resource)
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again
        spoiled = @options.discard_after?(e)
        raise
      ensure
        notice_fork
        @held.delete(life)
        spoiled ? forsake(entry) : give_back(entry)
      end

      def give_back(entry)
        return forsake(entry) if entry.discarded

        entry.rest if @options.dated?
        @line.synchronize { @idle.push(entry) unless @closed } ? @line.wake_first : forsake(entry)
      end

      # Its place is free, while its user goes on with the resource.
      def give_up(entry)
        entry.discarded = true
        free_place
      end

      def free_place
        @line.synchronize { @size -= 1 }
        @line.wake_first
      end

      def refuse_own
        return unless @held[Lifecycle.current]

        raise Error, 'this fiber holds a resource of the pool, and cannot wait for itself to give it back'
      end
    end
    private_constant :Upkeep
  end
end
