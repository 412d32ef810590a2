# frozen_string_literal: true

module Polyphony
  class Tree
    # What has a line of its own, as it is seen at one moment: a fiber, or a scope that fibers were
    # spun into.
    class Node
      # @return [Integer] how many nodes are above it
      attr_reader :depth
      # @return [Array<Node>]
      attr_reader :children
      # @return [Integer, nil] the same for nodes that do the same, and whose children do: see {Folding}
      attr_accessor :kind

      # @param depth [Integer]
      def initialize(depth)
        @depth = depth
        @children = []
      end

      # @return [Array<String>] of Ruby's backtrace, innermost first
      def frames
        []
      end
    end

    # A {Polyphony::Scope}, with its fibers.
    class ScopeNode < Node
      # @param scope [Scope]
      def initialize(scope, depth)
        super(depth)
        @scope = scope
      end

      # @return [Array<Array>] classes of nodes, and what they are of
      def sources
        @scope.lives.map { |life| [FiberNode, life.task] }
      end

      # @return [String]
      def summary
        ['scope', Words.tag(@scope.tag), ('stopping' unless @scope.open?)].compact.join(' ')
      end

      # @return [String]
      def location
        Frames.short(@scope.location)
      end

      # @return [Array] what makes it one of a kind, its children aside
      def traits
        [ScopeNode, location]
      end
    end

    # A fiber, spun or scheduled, or a root.
    class FiberNode < Node
      # What differs between fibers that do the same: descriptors, times, processes, addresses.
      VARIES = /(?<=\bfd )\d+|[\d.]+ s\b|(?<=\bprocess )\d+|0x\h+/
      private_constant :VARIES

      # @param task [Scheduler::Task]
      def initialize(task, depth)
        super(depth)
        @task = task
        @life = task.handle
        @state = task.state
        @waits = task.waiting_on
        @notes = Words.notes(task, @life)
      end

      # @return [Array<Array>] classes of nodes, and what they are of
      def sources
        return [] unless @life

        own, scoped = @life.children.partition { |life| life.scope.nil? }
        own.map { |life| [FiberNode, life.task] } + scoped.map(&:scope).uniq.map { |scope| [ScopeNode, scope] }
      end

      # @return [String] what it is called and what it does
      def summary
        state = @waits ? "#{@state} on #{@waits}" : @state
        ["#{name} #{state}", *@notes.values].join(', ')
      end

      # @return [String] file and line
      def location
        @location ||= Frames.short(@life&.spun? ? @life.location : native_location)
      end

      # @return [Array] what makes it one of a kind, its children aside; tags may differ
      def traits
        [@state, @waits&.gsub(VARIES, ''), location, @notes.keys]
      end

      # @return [Array<String>]
      def frames
        # A nested fiber (an Enumerator) waits: its frames are on top of those of the fiber that resumed it.
        fibers = [@task.waiting_fiber, @task.fiber].compact.uniq(&:object_id)
        fibers.flat_map { |fiber| Frames.shown(fiber.backtrace) }
      end

      private

      def name
        return Words.tag(@life.tag) || '(untagged)' if @life&.spun?

        (@life && Words.tag(@life.tag)) || (@task.fiber ? 'scheduled' : 'root')
      end

      # Ruby does not say where the block of a Fiber.schedule is: so the line that it has reached.
      def native_location
        return '(root)' unless @task.fiber

        frames.last&.[](/\A.*?:\d+(?=:|\z)/) || '(Fiber.schedule)'
      end
    end
  end
end
