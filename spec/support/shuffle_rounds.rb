# frozen_string_literal: true

require 'rspec/core'
require 'set'

# Runs the examples marked `:fibers` of some specs again and again in one process, each round with another order of
# fibers (POLYPHONY_SHUFFLE). Those whose point is that fibers run first in, first out are marked `:fifo` and left out.
#
#   ruby -S rspec's options: ruby spec/support/shuffle_rounds.rb FROM COUNT [RSpec's arguments]
#
# Prints "seed N" before each round, so that the last one is known if it hangs, and each failure with what repeats it.
class ShuffleRounds
  # Examples that take longer (they start processes, or really sleep) have a part in few rounds.
  SLOW = 0.02 # seconds
  SLOW_EVERY = 40
  MAX_FAILURES = Integer(ENV.fetch('POLYPHONY_SHUFFLE_FAILURES', 10))

  # What RSpec tells a formatter, as far as it matters here.
  class Reporter
    attr_accessor :seed
    attr_reader :failures, :slow, :examples

    def initialize
      @failures = {}
      @slow = Set.new
      @examples = 0
    end

    def example_finished(example)
      result = example.execution_result
      @examples += 1
      return if result.status == :pending

      @slow << example if result.run_time > SLOW
      @failures[example] ||= [seed, example.exception] if example.exception
    end

    def fail_fast_limit_met?
      failures.size >= MAX_FAILURES
    end

    %i[example_group_started example_group_finished example_started example_passed example_failed example_pending
       message publish deprecation notify_non_example_exception].each { |name| define_method(name) { |*| nil } }
  end

  def initialize(from, count, arguments)
    @seeds = from.upto(from + count - 1)
    @arguments = arguments
    @reporter = Reporter.new
  end

  # @return [Boolean] whether all passed
  def run
    options = RSpec::Core::ConfigurationOptions.new([*@arguments, '--tag', 'fibers', '--tag', '~fifo', '--order', 'defined'])
    RSpec::Core::Runner.new(options).setup($stderr, File.open(File::NULL, 'w'))
    @chosen = RSpec.world.filtered_examples
    RSpec.configuration.with_suite_hooks { @seeds.each { |seed| round(seed) unless @reporter.fail_fast_limit_met? } }
    report
  end

  private

  def round(seed)
    puts "seed #{seed}"
    ENV['POLYPHONY_SHUFFLE'] = seed.to_s
    @reporter.seed = seed
    all = @chosen.transform_values(&:dup)
    left_out(seed).each { |example| @chosen[example.example_group].delete(example) }
    RSpec.world.example_groups.each { |group| group.run(@reporter) }
  ensure
    @chosen.merge!(all)
  end

  def left_out(seed)
    @reporter.failures.keys + (((seed - @seeds.first) % SLOW_EVERY).zero? ? [] : @reporter.slow.to_a)
  end

  def report
    @reporter.failures.each { |example, (seed, error)| puts failure(example, seed, error) }
    puts "#{@seeds.size} seeds, #{@reporter.examples} examples, #{@reporter.failures.size} failures " \
         "(#{@reporter.slow.size} slow ones in every #{SLOW_EVERY}th round)"
    @reporter.failures.empty?
  end

  def failure(example, seed, error)
    ["\n#{example.full_description} fails with seed #{seed}:", error.message.gsub(/^/, '  '),
     error.backtrace.to_a.grep(/spec/).first(3).map { |line| "    #{line}" },
     "  repeat with: POLYPHONY_SHUFFLE=#{seed} rspec #{example.location}", '']
  end
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  from, count, *arguments = ARGV
  exit ShuffleRounds.new(Integer(from), Integer(count), arguments).run
end
