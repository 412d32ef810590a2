# frozen_string_literal: true

require 'rspec/core'

# Runs the examples marked `:fibers` of some specs again and again in one process, each round with another order of
# fibers (POLYPHONY_SHUFFLE). Those whose point is that fibers run first in, first out are marked `:fifo` and left out.
#
#   ruby -I spec spec/support/shuffle_rounds.rb FROM COUNT [RSpec's arguments]
#
# POLYPHONY_SHUFFLE_LIMIT: seconds after which no further example is run. Prints "seed N" before each round, so
# that the last one is known if it hangs, and each failure with what repeats it.
class ShuffleRounds
  # Seconds that an example may take of each round, on average: one that takes ten times as long, because it starts
  # a process or many fibers, has a part in every tenth round.
  SHARE = 0.0002
  MAX_FAILURES = Integer(ENV.fetch('POLYPHONY_SHUFFLE_FAILURES', 10))

  # What RSpec tells a formatter, as far as it matters here.
  class Reporter
    attr_accessor :seed
    attr_reader :failures, :times, :examples

    # @param over [Proc] whether no time is left
    def initialize(over)
      @over = over
      @failures = {}
      @times = {}
      @examples = 0
    end

    def example_finished(example)
      result = example.execution_result
      @examples += 1
      RSpec.world.wants_to_quit = true if @over.call
      return if result.status == :pending

      @times[example] = [result.run_time, *@times[example]].min
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
    @reporter = Reporter.new(method(:over?))
    @rounds = 0
    @began = now
    @limit = ENV['POLYPHONY_SHUFFLE_LIMIT']&.to_f
  end

  # @return [Boolean] whether all passed
  def run
    options = RSpec::Core::ConfigurationOptions.new([*@arguments, '--tag', 'fibers', '--tag', '~fifo', '--order', 'defined'])
    RSpec::Core::Runner.new(options).setup($stderr, File.open(File::NULL, 'w'))
    @chosen = RSpec.world.filtered_examples
    RSpec.configuration.with_suite_hooks { @seeds.each { |seed| round(seed) unless enough? } }
    report
  end

  private

  def enough?
    @reporter.fail_fast_limit_met? || over?
  end

  def over?
    @limit && now - @began > @limit
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def round(seed)
    puts "seed #{seed}"
    @rounds += 1
    ENV['POLYPHONY_SHUFFLE'] = seed.to_s
    @reporter.seed = seed
    all = @chosen.transform_values(&:dup)
    left_out.each { |example| @chosen[example.example_group].delete(example) }
    RSpec.world.example_groups.each { |group| group.run(@reporter) }
    @rounds -= 1 if over? && !@reporter.fail_fast_limit_met? # not a whole one
  ensure
    @chosen.merge!(all)
  end

  def left_out
    now_and_then = @reporter.times.each_with_index.select do |(_, time), i|
      ((@rounds + i) % (time / SHARE).ceil).positive?
    end
    @reporter.failures.keys + now_and_then.map { |(example, _), _| example }
  end

  def report
    @reporter.failures.each { |example, (seed, error)| puts failure(example, seed, error) }
    puts "#{@rounds} of #{@seeds.size} seeds, #{@reporter.times.size} examples #{@reporter.examples} times, " \
         "#{@reporter.failures.size} failures, #{(now - @began).round} s"
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
