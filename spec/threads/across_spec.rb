# frozen_string_literal: true

require 'delegate'
require 'monitor'
require_relative '../support/fibers'
require_relative '../support/preempt'

RSpec.describe 'fibers of different threads' do
  # Who acts: the root fiber of a plain thread, the main fiber of one of ours, a spun fiber.
  actors = {
    'a plain thread' => ->(&act) { Thread.new(&act) },
    'a main fiber' => ->(&act) { Polyphony.thread(&act) },
    'a spun fiber' => ->(&act) { Polyphony.thread { Polyphony.spin(&act).await } }
  }

  # A thread that has a waiting fiber for each of the blocks; its main fiber supervises what comes.
  def owner(*blocks)
    fibers = Queue.new
    thread = Polyphony.thread do
      Thread.current.report_on_exception = false
      blocks.each { |block| fibers << Polyphony.spin(&block) }
      fibers << nil
      Polyphony.suspend
    end
    found = blocks.map { fibers.pop }
    fibers.pop
    Thread.pass until found.all? { |fiber| fiber.waiting_on || !fiber.alive? }
    [thread, *found]
  end

  actors.each do |name, actor|
    describe "from #{name}" do
      define_method(:act) { |&block| actor.call(&block).value }

      it 'can be sent messages, and awaited' do
        thread, fiber = owner(-> { [Polyphony.receive, Polyphony.receive] })
        expect(act { (fiber << 1 << 2).await }).to eq([1, 2])
        thread.stop
      end

      it 'can be stopped: ensure blocks run on their own thread' do
        log = Queue.new
        waits = lambda do
          Polyphony.suspend
        ensure
          sleep 0.001
          log << Thread.current
        end
        thread, fiber = owner(waits)
        expect(act { [fiber.stop(:stopped).alive?, log.size, fiber.await] }).to eq([false, 1, :stopped])
        expect(log.pop).to equal(thread)
        thread.stop
      end

      it 'can be restarted: while they live, on their own thread' do
        ran = Queue.new
        thread, fiber = owner(-> { (ran << Thread.current) and Polyphony.receive })
        expect(act { fiber.restart and ran.pop and ran.pop }).to equal(thread)
        expect(act { (fiber << :second).await }).to eq(:second)
        thread.stop
      end

      it 'can be raised in: the error is the fiber\'s, and its parent\'s, once; who awaits it has it, too' do
        thread, fiber = owner(-> { Polyphony.suspend })
        awaited = act do
          fiber.raise(IOError, 'from outside')
          fiber.await
        rescue IOError => e
          e
        end
        expect(awaited.message).to eq('from outside')
        expect(error_of { thread.await }).to equal(awaited)
      end

      it 'can rescue what is raised in them, where they wait' do
        rescues = lambda do
          Polyphony.suspend
        rescue IOError => e
          [e.message, Thread.current]
        end
        thread, fiber = owner(rescues)
        expect(act { fiber.raise(IOError, 'mild').await }).to eq(['mild', thread])
        thread.stop
      end

      it 'can be selected, and awaited together with own ones' do
        thread, one, two = owner(-> { Polyphony.receive }, -> { Polyphony.receive })
        two << 2
        expect(act { Polyphony::Fiber.select(one, two) }).to eq([two, 2])
        one << 1
        expect(act { Polyphony::Fiber.await(one, Polyphony.spin { :own }, two) }).to eq([1, :own, 2])
        thread.stop
      end
    end
  end

  it 'each have an await of their own: one that is cut takes nothing from the others', :fibers do
    thread, fiber = owner(-> { Polyphony.receive })
    cut = Polyphony.thread { Polyphony.move_on_after(0.001, with_value: :cut) { fiber.await } }
    waiting = Array.new(5) { Polyphony.thread { fiber.await } }
    expect(cut.value).to eq(:cut)
    fiber << :result
    expect(waiting.map(&:value)).to eq([:result] * 5)
    thread.stop
  end

  it 'share Queue, SizedQueue, Mutex, Monitor and ConditionVariable of Ruby\'s' do
    queue = SizedQueue.new(2)
    mutex = Mutex.new
    monitor = Monitor.new
    condition = ConditionVariable.new
    count = { mutex: 0, monitor: 0, waiting: 0 }
    workers = Array.new(3) do
      Polyphony.thread do
        fibers = Array.new(10) do |i|
          Polyphony.spin do
            mutex.synchronize { value = count[:mutex] and sleep(0) and count[:mutex] = value + 1 }
            monitor.synchronize { monitor.synchronize { count[:monitor] += 1 } }
            mutex.synchronize { (count[:waiting] += 1) and condition.wait(mutex) }
            queue << i
          end
        end
        Polyphony::Fiber.await(*fibers)
      end
    end
    Thread.pass until mutex.synchronize { count[:waiting] } == 30
    mutex.synchronize { condition.broadcast }
    expect(Array.new(30) { queue.pop }.tally).to eq((0..9).to_h { |i| [i, 3] })
    workers.each(&:join)
    expect(count).to include(mutex: 30, monitor: 30)
  end

  it 'have fiber-local and, of their thread, thread-local variables of their own' do
    thread = Polyphony.thread do
      Thread.current[:local] = :main
      Thread.current.thread_variable_set(:of_thread, 1)
      Polyphony.spin { [Thread.current[:local], Thread.current.thread_variable_get(:of_thread)] }.await
    end
    expect(thread.value).to eq([nil, 1])
  end

  if Fiber.respond_to?(:[])
    it 'inherit fiber storage from who makes them, thread or fiber' do
      Fiber[:request] = :outer
      thread = Polyphony.thread do
        inner = [Fiber[:request], Polyphony.spin { Fiber[:request] }.await]
        Fiber[:request] = :changed
        inner << Polyphony.spin { Fiber[:request] }.await
      end
      expect(thread.value).to eq(%i[outer outer changed])
      expect(Fiber[:request]).to eq(:outer)
    ensure
      Fiber[:request] = nil
    end
  end

  describe 'under random operations of other threads, which may lose their turn at any line' do
    def fiber_blocks(random)
      kinds = [-> { Polyphony.suspend }, -> { Polyphony.snooze }, -> { Polyphony.receive }, -> { sleep 0.0001 }]
      Array.new(4) { kinds.sample(random: random) }
    end

    # Does something to a fiber of another thread; nothing of it may wait for ever.
    def operate(fiber, operation)
      case operation
      when :stop then fiber.stop
      when :restart then fiber.restart
      when :send then fiber.send?(1)
      when :raise then fiber.raise(IOError, 'x') if fiber.alive?
      when :await then Polyphony.move_on_after(0.001) { fiber.await }
      when :select then Polyphony.move_on_after(0.001) { Polyphony::Fiber.select(fiber, Polyphony.spin { Polyphony.suspend }) }
      end
    rescue IOError, Polyphony::DeadFiber
      nil
    end

    # A thread that does one thing to each of the fibers it is given.
    def operator(operations, given)
      Polyphony.thread do
        Thread.current.report_on_exception = false
        operations.each { |operation| operate(given.pop, operation) }
      end
    end

    # A thread whose main fiber gives fibers that just begin to all operators, and stays whatever they fail with.
    def owner_for(operators, blocks)
      Polyphony.thread do
        Thread.current.report_on_exception = false # an IOError may come while it is being stopped
        blocks.each { |block| Polyphony.spin(&block).tap { |fiber| operators.each { |given| given << fiber } } }
        begin
          Polyphony.suspend
        rescue IOError
          retry
        end
      end
    end

    def play(random, operations)
      blocks = fiber_blocks(random)
      given = Array.new(5) { Queue.new }
      operators = given.drop(1).map { |fibers| operator(Array.new(4) { operations.sample(random: random) }, fibers) }
      thread = owner_for(given, blocks)
      fibers = Array.new(4) { given.first.pop }
      operators.each { |one| error_of { one.join } }
      fibers.each(&:stop)
      thread.stop
      fibers
    end

    # @return [Array<String>] what Polyphony has said; what others say (the watchdog) is printed
    def said
      before = $stderr
      lines = []
      $stderr = SimpleDelegator.new(before)
      $stderr.define_singleton_method(:write) { |*text| text.join.start_with?('polyphony:') ? lines.push(*text) : before.write(*text) }
      yield
      lines
    ensure
      $stderr = before
    end

    it 'all come back who stop, await or select one fiber at the same time', timeout: 30 do
      preempt(Random.new(1), rate: 0.3) do
        40.times do
          thread, fiber = owner(-> { Polyphony.suspend })
          uses = [-> { fiber.await }, -> { fiber.stop(:stopped) and fiber.await }, -> { Polyphony::Fiber.select(fiber).last }]
          expect(Array.new(9) { |i| Polyphony.thread { uses[i % 3].call } }.map(&:value)).to eq([:stopped] * 9)
          thread.stop
        end
      end
    end

    seed = Integer(ENV.fetch('POLYPHONY_SEED', 1))
    { 'stop, send, await, select' => %i[stop send await select], 'raise as well' => %i[stop send await select raise],
      'restart as well' => %i[stop send await select raise restart] }.each_with_index do |(name, operations), index|
      it "#{name}: all end, and nobody waits for ever (seed #{seed})", timeout: 30 do
        random = Random.new(seed + index)
        lines = said { preempt(random) { 100.times { expect(play(random, operations).map(&:alive?)).to eq([false] * 4) } } }
        expect(lines.join.scan(/\(\w+Error\)/) - ['(IOError)']).to eq([]) # what came while its fiber was ending is printed
      end
    end
  end
end
