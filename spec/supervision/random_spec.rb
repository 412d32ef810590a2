# frozen_string_literal: true

require 'stringio'
require_relative '../support/fibers'

# Supervision under random failures, stops and restarts. What holds for every seed: supervise comes to an
# end, nothing that it supervised is alive then, nothing comes later, and each error was told to the block,
# or raised (or is the cause of what was, or suppressed by it): once.
RSpec.describe 'Supervision under random events', :fibers do
  # The course of one supervision.
  class RandomSupervision
    STEPS = %i[stop restart raise snooze snooze snooze].freeze

    attr_reader :raised, :told, :errors, :fibers, :random

    def initialize(seed)
      @random = Random.new(seed)
      @raised = []
      @told = []
      @errors = []
      @fibers = [] # none, if it is stopped before it begins
    end

    def options
      {
        restart: pick(:always, :on_error, :on_error, nil, ->(*) { pick(true, :on_error, :on_error) }),
        shutdown: pick(nil, nil, 0, 0.001)
      }.then { |some| some[:restart].nil? ? some : { **some, **limits } }
    end

    def limits
      { strategy: pick(:one_for_one, :one_for_all, :rest_for_one), max_restarts: pick(0, 3, 20, nil),
        backoff: pick(nil, nil, 0.0001, { min: 0.0001, max: 0.001, random: random }) }
    end

    def pick(*choice) = choice[random.rand(choice.size)]

    def worker(depth = 0)
      Polyphony.spin do
        random.rand(3).times { Polyphony.snooze }
        worker(depth + 1) if depth < 2 && random.rand(4).zero?
        case random.rand(5)
        when 0, 1 then fail_with
        when 2 then Polyphony.suspend
        end
      ensure
        end_slowly unless $!.is_a?(RuntimeError) # a stop or an error meanwhile would take its place
      end
    end

    def end_slowly
      random.rand(3).times { Polyphony.snooze } if random.rand(3).zero?
      fail_with if random.rand(20).zero?
    end

    def fail_with
      raised << RuntimeError.new(raised.size.to_s)
      raise raised.last
    end

    # @return [Array<Exception>] what supervise raised, and what the supervisor ended with
    def run
      options = self.options
      boss = nil
      meddler = Polyphony.spin { meddle(boss) }
      boss = Polyphony.spin do
        @fibers = Array.new(1 + random.rand(6)) { worker }
        Polyphony.supervise(*(fibers if random.rand(2).zero?), **options) { |fiber, outcome| tell(fiber, outcome) }
        nil
      rescue Exception => e # rubocop:disable Lint/RescueException -- it is what is asked for
        raise if e.is_a?(Polyphony::Stop)

        errors << e
      end
      wait_for(boss)
      errors
    ensure
      meddler.stop
    end

    def wait_for(boss)
      boss.await
    rescue Exception => e # rubocop:disable Lint/RescueException -- an error that came as it was ending
      errors << e
    end

    def tell(fiber, outcome)
      raise "told of what is not supervised: #{fiber}" unless fibers.include?(fiber)

      told << outcome if outcome.is_a?(Exception)
      fibers << worker if random.rand(30).zero? && fibers.size < 20
      Polyphony.snooze if random.rand(3).zero?
    end

    def meddle(boss)
      (10 + random.rand(60)).times do
        Polyphony.snooze
        fiber = fibers&.sample(random: random)
        case STEPS.sample(random: random)
        when :stop then Polyphony.spin { fiber.stop } if fiber && random.rand(4).zero?
        when :restart then fiber.restart if fiber&.alive? && random.rand(4).zero?
        when :raise then fiber.raise('from outside') if fiber&.alive? && random.rand(4).zero?
        end
      end
      boss.stop
    end
  end

  # The error, what caused it, and what it suppressed.
  def all_in(error, found = [])
    return found if error.nil? || found.any? { |one| one.equal?(error) }

    found << error
    all_in(error.cause, found)
    Polyphony.suppressed(error).each { |one| all_in(one, found) }
    found
  end

  # What is raised in a fiber just as it ends, and has nowhere to go, is said there.
  around do |example|
    stderr, $stderr = $stderr, StringIO.new
    example.run
  ensure
    $stderr = stderr
  end

  40.times do |chunk|
    it "seeds #{chunk * 50} to #{(chunk * 50) + 49}" do
      (chunk * 50).upto((chunk * 50) + 49) do |seed|
        course = RandomSupervision.new(seed)
        errors = course.run
        later = Array.new(3) { error_of { snooze } }.compact
        expect([seed, course.fibers.select(&:alive?), Polyphony.current.children, later]).to eq([seed, [], [], []])
        outside = ->(one) { one.message == 'from outside' }
        expect([seed, course.told.reject(&outside).size]).to eq([seed, course.told.reject(&outside).uniq(&:object_id).size])
        told = course.told + errors.flat_map { |error| all_in(error) }
        lost = course.raised.reject { |one| told.any? { |other| all_in(other).any? { |each| each.equal?(one) } } }
        expect([seed, lost]).to eq([seed, []])
      end
    end
  end
end
