# frozen_string_literal: true

require_relative 'tree/words'
require_relative 'tree/node'
require_relative 'tree/forest'
require_relative 'tree/folding'
require_relative 'tree/layout'

module Polyphony
  # The fibers of the running thread as text, a line each, children below their parent: tag, state,
  # what it waits for, where it was spun. Fibers of `Fiber.schedule`, which have no parent, come last.
  #
  #   main waiting on await #<Polyphony::Fiber :main app.rb:3>  (root)
  #     main waiting on supervise  app.rb:3
  #       connection waiting on io_read fd 9 TCPSocket  app.rb:8
  #       … 9,999 more like this
  #
  # @param all_threads [Boolean] every thread with a scheduler of ours, each below a line of its own.
  #   They run on while they are looked at
  # @param fold [Integer, nil] how many siblings that do the same are shown; nil: all of them
  # @param width [Integer, nil] columns: longer lines go on below; nil: they do not
  # @return [String] without a newline at its end; empty for a thread without a scheduler of ours
  # @raise [ArgumentError] unless fold and width are positive Integers or nil
  # @suspends no
  def self.tree(all_threads: false, fold: Tree::FOLD, width: nil)
    tree = Tree.new(fold: fold, width: width)
    all_threads ? tree.of_all : tree.of(Scheduler.current)
  end

  # @see Polyphony.tree
  # @api private
  class Tree
    # Siblings of a kind that are shown.
    FOLD = 5

    # Ruby does not tell another thread's scheduler, and a list of our own would have to be kept up
    # for the sake of who looks now and then: so all objects are looked through, which takes
    # milliseconds for each million.
    #
    # @return [Array<Scheduler>] those of living threads, the running thread's first
    def self.schedulers
      here = Scheduler.current
      threads = ::Thread.list
      found = ::ObjectSpace.each_object(Scheduler).select { |one| !one.closed? && threads.include?(one.root.thread) }
      found.sort_by { |one| one.equal?(here) ? -1 : threads.index(one.root.thread) }
    end

    # @param fold [Integer, nil]
    # @param width [Integer, nil]
    # @param details [Proc] gives lines to put below a node's, without their indentation
    def initialize(fold: FOLD, width: nil, &details)
      @fold = fold && Polyphony.count(fold, 'fold')
      @layout = Layout.new(width && Polyphony.count(width, 'width'))
      @details = details
    end

    # @return [String]
    def of_all
      Tree.schedulers.flat_map { |one| ["thread #{Words.thread(one.root.thread)}", of(one)] }.join("\n")
    end

    # @param scheduler [Scheduler, nil]
    # @return [String]
    def of(scheduler)
      return '' if scheduler.nil?

      forest = Forest.new(scheduler)
      folding = Folding.new(forest.nodes, @fold)
      lines = []
      pending = folding.shown(forest.tops).reverse
      while (node, more, depth = pending.pop)
        lines << (node ? text_of(node) : @layout.more(depth, more))
        pending.concat(folding.shown(node.children).reverse) if node
      end
      lines.join("\n")
    end

    private

    def text_of(node)
      [@layout.node(node), *@details&.call(node)&.map { |line| @layout.detail(node.depth, line) }].join("\n")
    end
  end
  private_constant :Tree
end
