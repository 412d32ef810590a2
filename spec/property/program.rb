# frozen_string_literal: true

module Property
  # A random program for fibers, as data: a tree of arrays, so that it can be printed and made smaller.
  #
  #   program: [id, [step…]], what fiber 0 does. A step is [name, argument…]; arguments are numbers, ids of fibers
  #   (which need not exist when it comes to that: then the step does nothing), and arrays of steps.
  class Program
    # How often each step is chosen. Those of QUIET are chosen where a fiber cannot be interrupted: nothing that
    # waits for another fiber.
    QUIET = { sleep: 4, snooze: 4, spin: 2, fail: 1, restart: 1 }.freeze
    STEPS = { sleep: 5, snooze: 4, spin: 9, fail: 2, stop: 3, stop_now: 1, restart: 3, send: 4, receive: 4, await: 4,
              await_all: 2, select: 2, cancel: 2, move_on: 3, cancel_after: 2, shield: 1, ensure: 4, rescue: 5,
              supervise: 1, run: 1, nested: 2, mutex: 2, suspend: 1, limit: 1 }.freeze
    MAX_FIBERS = [6, 12, 12, 40].freeze # one of them is that of a program
    MAX_DEPTH = 5

    class << self
      # @param seed [Integer]
      # @return [Array] a program
      def generate(seed)
        new(seed).generate
      end

      # A program as text that can be read, and given to Property::Check again.
      def to_s(program, depth = 0)
        id, steps = program
        "#{'  ' * depth}[#{id}, [#{steps_to_s(steps, depth)}]]"
      end

      def steps_to_s(steps, depth)
        steps.map { |step| "\n#{'  ' * (depth + 1)}#{step_to_s(step, depth + 1)}" }.join(',')
      end

      def step_to_s(step, depth)
        name, *arguments = step
        return "[:spin,\n#{to_s(arguments.first, depth + 1)}]" if name == :spin

        "[#{[name.inspect, *arguments.map { |a| steps?(a) ? "[#{steps_to_s(a, depth)}]" : a.inspect }].join(', ')}]"
      end

      # @return [Boolean] whether +argument+ is an array of steps
      def steps?(argument)
        argument.is_a?(Array) && argument.all?(Array)
      end
    end

    def initialize(seed)
      @random = Random.new(seed)
      @fibers = 0
      @most = MAX_FIBERS[@random.rand(MAX_FIBERS.size)]
    end

    def generate
      fiber(0, 3 + @random.rand(3))
    end

    private

    def fiber(depth, least = 1)
      id = @fibers
      @fibers += 1
      first = Array.new([least - depth, 0].max) { [:spin, fiber(depth + 1)] }
      [id, first + steps(depth, STEPS, least + @random.rand(6))]
    end

    def steps(depth, names, count = 1 + @random.rand(3))
      Array.new(count) { step(depth, names) }
    end

    def step(depth, names)
      name = choose(names)
      inner = depth + 1
      case name
      when :sleep then [name, time]
      when :receive then [name, @random.rand(4).zero? ? nil : time]
      when :spin then @fibers < @most && depth < MAX_DEPTH ? [name, fiber(inner)] : [:snooze]
      when :stop, :stop_now, :restart, :send, :await, :cancel then [name, id]
      when :await_all, :select then [name, Array.new(1 + @random.rand(3)) { id }]
      when :limit then [name, id, 1 + @random.rand(2)]
      when :move_on, :cancel_after then [name, time, body(inner, names)]
      when :shield then [name, body(inner, QUIET)]
      when :ensure then [name, body(inner, names), body(inner, QUIET)]
      when :rescue, :run, :nested, :mutex then [name, body(inner, names)]
      else [name]
      end
    end

    def body(depth, names)
      depth > MAX_DEPTH ? [[:snooze]] : steps(depth, names)
    end

    def choose(names)
      at = @random.rand(names.values.sum)
      names.find { |_, weight| (at -= weight).negative? }.first
    end

    def time
      @random.rand(10)
    end

    def id
      @random.rand(@fibers + 1)
    end
  end
end
