# frozen_string_literal: true

require_relative 'world'

module Property
  # Programs in order, each with its own seed: prints and shrinks the first that does what none may.
  #
  #   ruby -I lib -I tmp/ext/RUBY_VERSION spec/property/check.rb FROM COUNT
  module Check
    module_function

    # @return [Array<String>] what was wrong with a program
    def faults(program, seed)
      world = World.new(program, seed).run
      return world.faults unless world.faults.empty? && (seed % 20).zero? && Polyphony::Scheduler.method_defined?(:shuffle)

      again = World.new(program, seed).run
      again.log == world.log ? [] : ["order: the same seed gave another order:\n#{first_difference(world.log, again.log)}"]
    end

    def first_difference(one, other)
      at = one.zip(other).index { |a, b| a != b } || one.size
      [one[[at - 3, 0].max..at], other[[at - 3, 0].max..at]].map(&:inspect).join("\n")
    end

    # @return [Array] a smaller program with a fault of the same kind
    def shrink(program, seed, kind)
      smaller = candidates(program).find { |candidate| faults(candidate, seed).any? { |fault| fault.start_with?(kind) } }
      smaller ? shrink(smaller, seed, kind) : program
    end

    # @return [Enumerator] programs with a step less, or with a step replaced by those in it
    def candidates((id, steps))
      Enumerator.new { |found| without(steps) { |fewer| found << [id, fewer] } }
    end

    def without(steps, &block)
      steps.each_with_index do |step, at|
        before = steps[0...at]
        after = steps[(at + 1)..]
        block.call(before + after)
        step.each_with_index do |argument, place|
          inner = inner(step, argument) or next
          block.call(before + inner + after) unless step.first == :spin
          without(inner) { |fewer| block.call(before + [replaced(step, place, fewer)] + after) }
        end
      end
    end

    def inner(step, argument)
      return argument.last if step.first == :spin && argument.is_a?(Array)

      argument if argument.is_a?(Array) && !argument.empty? && argument.all?(Array)
    end

    def replaced(step, place, fewer)
      copy = step.dup
      copy[place] = step.first == :spin ? [step[place].first, fewer] : fewer
      copy
    end

    # @return [Boolean] whether all went well
    def run(from, count)
      from.upto(from + count - 1) do |seed|
        puts "seed #{seed}" # the last one printed is the one that hangs
        program = Program.generate(seed)
        found = faults(program, seed)
        next if found.empty?

        report(seed, program, found)
        return false
      end
      puts "#{count} programs: ok"
      true
    end

    def report(seed, program, found)
      puts "seed #{seed} fails:", found,
           "repeat with: ruby -I lib -I tmp/ext/#{RUBY_VERSION} spec/property/check.rb #{seed} 1"
      kind = found.first[/\A\w+:/]
      small = shrink(program, seed, kind)
      puts 'a smaller program that fails alike:', Program.to_s(small), faults(small, seed)
    end
  end
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  exit Property::Check.run(Integer(ARGV.fetch(0, 1)), Integer(ARGV.fetch(1, 100)))
end
