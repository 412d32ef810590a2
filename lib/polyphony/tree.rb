# frozen_string_literal: true

module Polyphony
  # The fibers of the running thread as text, a line each, children below their parent: tag, state,
  # what it waits for, where it was spun.
  #
  # @return [String]
  # @suspends no
  def self.tree
    life = Lifecycle.current
    life = life.parent while life.parent
    lines = []
    append_to_tree(life, 0, lines)
    lines.join("\n")
  end

  def self.append_to_tree(life, depth, lines)
    tag = life.tag.nil? ? '(untagged)' : life.tag
    waits = life.waiting_on
    lines << "#{'  ' * depth}#{tag} #{life.state}#{" on #{waits}" if waits} #{life.location}"
    life.children.each { |child| append_to_tree(child, depth + 1, lines) }
  end
  private_class_method :append_to_tree
end
