# frozen_string_literal: true

require 'polyphony/testing'
require 'set'
require 'stringio'
require_relative 'program'

module Property
  # What a program raises. Each has a number of its own.
  class Boom < StandardError; end

  # Runs a program, and watches it: who raised what, what arrived where, who was alive when.
  class World
    UNIT = Polyphony::Scheduler.method_defined?(:virtual_clock=) ? 1.0 : 0.0005
    PATIENCE = 200 # units that fiber 0 may take
    BUDGET = { spin: 60, restart: 8, step: 2000 }.freeze
    ENDINGS = [Polyphony::Stop, Polyphony::CancelScope::Expired].freeze
    RESCUED = [StandardError, Polyphony::Cancel].freeze

    # @return [Array<String>] what was wrong
    attr_reader :faults
    # @return [Array] what happened, in order
    attr_reader :log

    def initialize(program, seed)
      @program = program
      @seed = seed
      @fibers = {}
      @all = []
      @left = BUDGET.dup
      @numbers = 0
      @raised = [].to_set.compare_by_identity
      @settled = [].to_set.compare_by_identity
      @arrived = Hash.new(0)
      @mutexes = Hash.new { |hash, id| hash[id] = Mutex.new }
      @faults = []
      @log = []
    end

    # @return [self]
    def run
      said = capture_stderr do
        error = caught { Polyphony.run { in_main } }
        fault(:main, "main ended by #{error.class}: #{error.message}") if error
      end
      @raised.each { |error| settle(error) if said.include?(error.message) }
      @settled.to_a.each { |error| suppressed(error) } # what was added to them since
      @faults << "stderr: #{said}" unless said.lines.grep(/\A(?:Traceback|.*\[BUG\])/).empty?
      lost = @raised.reject { |error| @settled.include?(error) }
      lost.each { |error| fault(:lost, "#{error.inspect} escaped from a fiber and arrived nowhere") }
      self
    end

    private

    # Fiber 0 is a child of main, which looks at what is left when it has ended.
    def in_main
      scheduler = Polyphony::Scheduler.current
      before = figures(scheduler)
      prepare(scheduler)
      top(scheduler)
      late = Array.new(3) { caught { Polyphony.snooze } }.compact
      late.each { |error| fault(:twice, "#{error.inspect} came to main again") }
      alive = @all.select(&:alive?)
      fault(:alive, "still alive: #{alive.map(&:inspect)}") unless alive.empty?
      after = figures(scheduler)
      fault(:leak, "#{before} before, #{after} after") unless before == after
    end

    def prepare(scheduler)
      return unless scheduler.respond_to?(:shuffle=)

      scheduler.shuffle = @seed if @seed
      scheduler.virtual_clock = 0
    end

    def top(_scheduler)
      fiber = spin(@program, nil, patience: true)
      error = caught { fiber.await }
      settle(error) if error
      fault(:deadlock, error.message) if error.is_a?(Polyphony::Deadlock)
    end

    def figures(scheduler)
      scheduler.stats.slice(:fibers, :ready, :waiting, :watches)
    end

    def caught
      yield
      nil
    rescue Exception => e
      raise if e.is_a?(SignalException) || e.is_a?(NoMemoryError)

      e
    end

    def capture_stderr
      before = $stderr
      $stderr = StringIO.new
      yield
      $stderr.string
    ensure
      $stderr = before
    end

    def fault(kind, text)
      @faults << "#{kind}: #{text}"
    end

    # The error, and all that it stands for, is where it should be.
    def settle(error)
      return if error.nil? || @settled.include?(error)

      @settled << error
      settle(error.cause)
      suppressed(error)
    end

    def suppressed(error)
      Polyphony.suppressed(error).each { |other| settle(other) } if Polyphony.respond_to?(:suppressed)
    end

    def new_error
      Boom.new("boom #{@numbers += 1}.")
    end

    def spend(what)
      (@left[what] -= 1) >= 0
    end

    def spin((id, steps), _parent, patience: false)
      fiber = Polyphony.spin(id) do
        @log << [:run, id]
        begin
          patience ? Polyphony.move_on_after(PATIENCE * UNIT) { perform(steps) } : perform(steps)
        ensure
          @log << [:end, id]
          look_around
        end
      rescue Polyphony::Stop => e
        settle(e.cause)
        raise
      rescue Exception => e
        @raised << e
        settle(e.cause)
        raise
      end
      @all << fiber
      @fibers[id] = fiber
    end

    # No child outlives its parent.
    def look_around
      @all.each do |fiber|
        next unless fiber.alive? && fiber.parent && !fiber.parent.alive?

        fault(:orphan, "#{fiber.inspect} lives, #{fiber.parent.inspect} is dead")
      end
    end

    def perform(steps)
      steps.each do |name, *arguments|
        break unless spend(:step)

        @log << [name, Polyphony.current.tag]
        respond_to?(:"do_#{name}", true) ? send(:"do_#{name}", *arguments) : wait_for([]) { send(:"wait_#{name}", *arguments) }
        look_around
      end
    end

    # A wait of the running fiber. What is raised in it is noted, unless it is what one of +awaited+ failed with.
    def wait_for(awaited)
      yield
    rescue *RESCUED => e
      unless awaited.any? { |fiber| !fiber.alive? && failure_of(fiber).equal?(e) }
        key = [e.object_id, Polyphony.current.object_id]
        fault(:twice, "#{e.inspect} arrived twice in #{Polyphony.current.inspect}") if (@arrived[key] += 1) > 1
      end
      @kept = (@kept || []) << e # no object_id is given again
      raise
    end

    def failure_of(fiber)
      fiber.instance_variable_get(:@life).error
    end

    # Steps that wait

    def wait_sleep(time) = Kernel.sleep(time * UNIT)
    def wait_snooze = Polyphony.snooze
    def wait_suspend = Polyphony.suspend
    def wait_receive(time) = Polyphony.receive(timeout: time && (time * UNIT))
    def wait_send(id) = @fibers[id]&.send?(:message)
    def wait_stop(id) = @fibers[id]&.stop
    def wait_stop_now(id) = @fibers[id]&.stop(nil, now: true)

    def do_await(id)
      fiber = @fibers[id] or return
      wait_for([fiber]) { fiber.await }
    end

    def do_supervise = wait_for(@all) { Polyphony.supervise }

    def do_await_all(ids)
      fibers = ids.filter_map { |id| @fibers[id] }
      wait_for(fibers) { Polyphony::Fiber.await(*fibers) }
    end

    def do_select(ids)
      fibers = ids.filter_map { |id| @fibers[id] }
      wait_for(fibers) { Polyphony::Fiber.select(*fibers) }
    end

    # Steps that do not

    def do_spin(program)
      spin(program, nil) if spend(:spin)
    end

    def do_fail
      raise new_error
    end

    def do_restart(id)
      return unless @fibers[id] && spend(:restart)

      @fibers[id].restart
    end

    def do_limit(id, limit)
      @fibers[id]&.mailbox_limit = limit
    end

    def do_cancel(id)
      fiber = @fibers[id] or return
      error = new_error
      fiber.cancel(error)
      @raised << error
    end

    # Steps around others

    def do_move_on(time, steps)
      Polyphony.move_on_after(time * UNIT) { perform(steps) }
    end

    def do_cancel_after(time, steps)
      Polyphony.cancel_after(time * UNIT, with_exception: new_error) { perform(steps) }
    end

    def do_shield(steps) = Polyphony.shield { perform(steps) }
    def do_run(steps) = Polyphony.run { perform(steps) }
    def do_nested(steps) = ::Fiber.new { perform(steps) }.resume

    def do_mutex(steps)
      mutex = @mutexes[steps.size]
      mutex.owned? ? perform(steps) : mutex.synchronize { perform(steps) }
    end

    # As ever in Ruby, what is raised in an `ensure` takes the place of what was raised before.
    def do_ensure(steps, last)
      begin
        perform(steps)
      rescue Exception => e
        raise
      ensure
        begin
          perform(last)
        rescue Exception
          settle(e)
          raise
        end
      end
    end

    def do_rescue(steps)
      perform(steps)
    rescue *RESCUED => e
      @log << [:rescued, Polyphony.current.tag, e.class]
      settle(e)
      ending = ending_under(e)
      raise ending if ending
    end

    # A program that rescues an error which took the place of a stop in an `ensure` would have refused to stop.
    def ending_under(error)
      error = error.cause until error.nil? || ENDINGS.any? { |kind| error.is_a?(kind) }
      error
    end
  end
end
