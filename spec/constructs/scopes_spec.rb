# frozen_string_literal: true

require 'bigdecimal'
require 'timeout'
require_relative '../support/virtual_time'

RSpec.describe 'cancel scopes', :fibers, :virtual_time do
  # What takes so long in an `ensure` that a limit around it runs out.
  def slow_end(seconds)
    suspend
  ensure
    sleep seconds
  end

  describe 'move_on_after' do
    it 'gives the value of its block, or with_value when the time is over' do
      expect(move_on_after(60) { :done }).to eq(:done)
      expect(move_on_after(1) { suspend }).to be_nil
      expect(move_on_after(1, with_value: :late) { suspend }).to eq(:late)
      expect(time).to eq(2)
    end

    it 'takes its time from when it begins, not from the last look at the clock' do
      Polyphony::Scheduler.current.advance(5)
      move_on_after(1) { suspend }
      expect(time).to eq(6)
    end

    it 'runs ensure blocks, which may wait, and is no StandardError' do
      value = move_on_after(1, with_value: :late) do
        suspend
      rescue StandardError
        log << :swallowed
      ensure
        sleep 10
        log << time
      end
      expect([value, log]).to eq([:late, [11]])
    end

    it 'leaves a block that does not wait alone, and cuts one that waits again after a rescue once only' do
      expect(move_on_after(0) { :computed }).to eq(:computed)
      value = move_on_after(1, with_value: :late) do
        suspend
      rescue Exception # rubocop:disable Lint/RescueException
        sleep 5
        :went_on
      end
      expect([value, time]).to eq([:went_on, 6])
    end

    it 'with 0 cuts the first wait' do
      expect(move_on_after(0, with_value: :cut) { log << 1; sleep 0; log << 2 }).to eq(:cut)
      expect(log).to eq([1])
    end

    it 'takes any number of seconds' do
      [1/2r, 0.5, BigDecimal('0.5')].each { |short| expect(move_on_after(short, with_value: :cut) { suspend }).to eq(:cut) }
      [10**400, 1e300, 2**70, Float::INFINITY, nil].each do |long|
        expect(move_on_after(long, with_value: :cut) { sleep 1; :done }).to eq(:done)
      end
      expect(time).to eq(6.5)
    end

    it 'passes on errors of its block, also one of an ensure after the cut, and other ways out' do
      expect(error_of { move_on_after(60) { raise IOError } }).to be_a(IOError)
      error = error_of do
        move_on_after(1) do
          suspend
        ensure
          raise IOError, 'in ensure'
        end
      end
      expect([error.message, error.cause]).to match(['in ensure', Polyphony::CancelScope::Expired])
      expect(catch(:out) { move_on_after(1) { throw :out, :thrown } }).to eq(:thrown)
      expect(move_on_after(1) { break :broke }).to eq(:broke)
      expect(move_on_after(5, with_value: :cut) { sleep 4; :nothing_is_left_of_them }).to eq(:nothing_is_left_of_them)
    end

    it 'keeps the value of an operation that had completed' do
      scope = nil
      fiber = waiting { move_on_after(60, with_value: :cut) { |own| scope = own; receive } }
      fiber << :message
      scope.cancel
      expect([fiber.await, scope.cancelled?, scope.cut?]).to eq([:message, true, false])
    end

    it 'cuts an operation that completes only after that, which loses nothing' do
      scope = nil
      fiber = waiting { [move_on_after(60, with_value: :cut) { |own| scope = own; receive }, receive] }
      scope.cancel
      fiber << :message
      expect([fiber.await, scope.cut?]).to eq([%i[cut message], true])
    end

    it 'is cut by a stop all the same' do
      fiber = waiting { move_on_after(60) { suspend } }
      expect(fiber.stop(:stopped).await).to eq(:stopped)
    end

    it 'does not cut the fibers that its block has spun, but they end with their own parent' do
      child = nil
      fiber = spin { move_on_after(1) { child = spin { slow_end(0) }; suspend }; log << child.alive? }
      fiber.await
      expect([log, child.alive?]).to eq([[true], false])
    end
  end

  describe 'nested' do
    it 'end the block of the scope whose time is over' do
      outer = move_on_after(1, with_value: :outer) { move_on_after(60, with_value: :inner) { suspend } }
      inner = move_on_after(60, with_value: :outer) { [move_on_after(1, with_value: :inner) { suspend }] }
      expect([outer, inner]).to eq([:outer, [:inner]])
    end

    it 'whose times are over together end the outer one' do
      value = move_on_after(1, with_value: :outer) { move_on_after(1, with_value: :inner) { suspend }; :went_on }
      expect(value).to eq(:outer)
    end

    it 'a hundred deep end the right one, each in turn' do
      nest = lambda do |depth|
        next suspend if depth.zero?

        move_on_after(depth, with_value: depth) { nest.call(depth - 1) }.tap { log << [time, depth] if (depth % 25).zero? }
      end
      expect(nest.call(100)).to eq(1)
      expect(log).to eq([[1, 25], [1, 50], [1, 75], [1, 100]])
    end

    it 'do not swallow an outer limit that is on its way when an inner one cuts its ensure' do
      value = move_on_after(1, with_value: :outer) do
        move_on_after(2, with_value: :inner) { slow_end(10) }
        :went_on
      end
      expect([value, time]).to eq([:outer, 2])
    end

    it 'do swallow an inner limit that is on its way when the outer one cuts its ensure' do
      value = move_on_after(2, with_value: :outer) do
        move_on_after(1, with_value: :inner) { slow_end(10) }
        :went_on
      end
      expect([value, time]).to eq([:outer, 2])
    end
  end

  describe 'and what is on its way through an ensure that they cut' do
    it 'a stop is not lost' do
      fiber = waiting { move_on_after(1, with_value: :cut) { slow_end(10) }; log << :went_on }
      fiber.stop(:stopped)
      expect([fiber.await, log, time]).to eq([:stopped, [], 1])
    end

    it 'exit and signals are not lost' do
      [SystemExit.new(3), Interrupt.new, SignalException.new('TERM')].each do |error|
        fiber = spin { move_on_after(1) { begin; raise error; ensure; suspend; end }; :went_on }
        expect(error_of { fiber.await }).to equal(error)
      end
    end

    it 'a limit in an ensure does not cut the unwinding short' do
      fiber = waiting do
        suspend
      ensure
        log << move_on_after(1, with_value: :cut) { suspend }
        log << :rest_of_ensure
      end
      fiber.stop(:stopped)
      expect([fiber.await, log]).to eq([:stopped, %i[cut rest_of_ensure]])
    end

    it 'an error that is being rescued is over' do
      value = move_on_after(1, with_value: :cut) do
        raise IOError
      rescue IOError
        sleep 10 # before another try
      end
      expect(value).to eq(:cut)
      value = move_on_after(5, with_value: :cut) do
        cancel_after(1) { suspend }
      rescue Polyphony::Cancel
        sleep 10
      end
      expect(value).to eq(:cut)
    end
  end

  describe 'a scope' do
    it 'without a limit waits for reset, extend or cancel' do
      %i[reset extend].each do |verb|
        scope = nil
        fiber = waiting { move_on_after(verb == :reset ? nil : 2, with_value: :cut) { |own| scope = own; suspend } }
        before = time
        scope.public_send(verb, 3)
        expect([fiber.await, time - before, scope.cancelled?]).to eq([:cut, verb == :reset ? 3 : 5, true])
      end
    end

    it 'reset starts over, with its own time or a new one' do
      value = move_on_after(2, with_value: :cut) do |scope|
        3.times { sleep 1.5; scope.reset }
        scope.reset(7)
        suspend
      end
      expect([value, time]).to eq([:cut, 11.5])
    end

    it 'reset and extend withdraw a cut that has not happened yet' do
      move_on_after(1) do |scope|
        Polyphony::Scheduler.current.advance(1)
        Polyphony.shield { snooze } # it has run out
        log << scope.cancelled?
        scope.extend(1)
        log << scope.cancelled?
        sleep 0.5
        log << :waited
      end
      expect(log).to eq([true, false, :waited])
    end

    it 'can be cancelled by hand, and asked' do
      seen = nil
      value = move_on_after(60, with_value: :cut) do |scope|
        seen = [scope.cancelled?, scope.running?, scope.remaining, scope.reset.equal?(scope), scope.inspect]
        log << scope
        scope.cancel
        suspend
      end
      expect([value, time]).to eq([:cut, 0])
      expect(seen).to eq([false, true, 60, true, '#<Polyphony::CancelScope 60.0 s left>'])
      expect([log[0].running?, log[0].remaining, log[0].inspect]).to eq([false, nil, '#<Polyphony::CancelScope cut>'])
    end

    it 'may be cancelled by its own block, another fiber, a child, another thread, and more than once' do
      cancels = [->(scope) { scope.cancel }, ->(scope) { spin { scope.cancel } }, ->(scope) { Thread.new { scope.cancel }.join },
                 ->(scope) { Polyphony::Thread.new { 3.times { scope.cancel } } }]
      cancels.each do |cancel|
        expect(move_on_after(nil, with_value: :cut) { |scope| cancel.call(scope); suspend }).to eq(:cut)
      end
    end

    it 'may be cancelled after its end: nothing happens' do
      scope = nil
      expect(move_on_after(60) { |own| scope = own; :done }).to eq(:done)
      expect(scope.cancel).to equal(scope)
      expect(snooze).to be_nil
      expect(scope.cut?).to be(false)
    end

    it 'may be made, and cancelled, before it runs' do
      scope = Polyphony::CancelScope.new
      scope.cancel
      expect(move_on_after(scope, with_value: :cut) { log << :began; suspend }).to eq(:cut)
      expect([log, scope.cut?]).to eq([[:began], true])
      other = Polyphony::CancelScope.new
      after(2) { other.cancel }
      expect(error_of { cancel_after(other) { suspend } }).to be_a(Polyphony::Cancel)
      expect(time).to eq(2)
    end

    it 'is for one run, and moved by its own thread only' do
      move_on_after(nil) do |scope|
        expect(error_of { scope.run {} }).to be_a(ArgumentError)
        expect(error_of { Thread.new { Thread.current.report_on_exception = false; scope.reset(1) }.value }).to be_a(FiberError)
        expect(error_of { scope.extend(-1) }).to be_a(ArgumentError)
        log << scope
      end
      expect(error_of { move_on_after(log[0]) {} }).to be_a(ArgumentError)
      expect(error_of { log[0].reset }).to be_a(ArgumentError)
    end
  end

  describe 'in nested fibers' do
    it 'cuts in a Fiber, with the limit inside or around' do
      expect(Fiber.new { move_on_after(1, with_value: :cut) { suspend } }.resume).to eq(:cut)
      expect(move_on_after(1, with_value: :cut) { Fiber.new { suspend }.resume }).to eq(:cut)
    end

    it 'cuts around an Enumerator, and leaves no limit of one that is never resumed' do
      e = Enumerator.new { |y| move_on_after(1) { y << :first; suspend }; y << :second }
      expect(e.next).to eq(:first)
      expect(move_on_after(5, with_value: :cut) { sleep 3; :done }).to eq(:done)
    end
  end

  describe 'cancel_after' do
    it 'raises Polyphony::Cancel, where it was cut' do
      error = error_of { cancel_after(1) { slow_end(0) } }
      expect([error.class, error.cause]).to eq([Polyphony::Cancel, nil])
      expect(error.backtrace.join).to include('slow_end')
      expect(cancel_after(60) { :done }).to eq(:done)
    end

    it 'raises what it is told to' do
      two = Class.new(StandardError) { def initialize(one, two) = super("#{one} #{two}") }
      given = [IOError, IOError.new('object'), [IOError, 'text'], 'text', [two, 1, 2], -> { two.new(3, 4) }]
      raised = given.map { |error| error_of { cancel_after(1, with_exception: error) { suspend } } }
      expect(raised.map { |error| [error.class, error.message] })
        .to eq([[IOError, 'IOError'], [IOError, 'object'], [IOError, 'text'], [RuntimeError, 'text'], [two, '1 2'], [two, '3 4']])
      expect(raised.map(&:cause)).to all(be_nil)
    end

    it 'refuses at once what it could not raise in the end' do
      needs = Class.new(StandardError) { def initialize(one) = super(one.to_s) }
      keyword = Class.new(StandardError) { def initialize(code:) = super(code) }
      [needs, keyword].each { |wrong| expect(error_of { cancel_after(1, with_exception: wrong) { log << :ran } }).to be_a(ArgumentError) }
      [nil, 5, String, [], Object.new, [String, 'x']].each do |wrong|
        expect(error_of { cancel_after(1, with_exception: wrong) { log << :ran } }).to be_a(TypeError)
      end
      expect(error_of { cancel_after(1, with_exception: -> { 5 }) { suspend } }).to be_a(TypeError)
      expect(log).to be_empty
    end

    it 'does not mistake an equal error of the block for its own' do
      error = error_of { cancel_after(60) { raise Polyphony::Cancel, 'own' } }
      expect(error.message).to eq('own')
    end
  end

  it 'work in a plain thread, for our own waits' do
    values = Thread.new do
      [Polyphony.move_on_after(0.001, with_value: :cut) { Polyphony.suspend }, Polyphony.after(0) { :after }.await,
       Polyphony.every(0.001) { break :every }, Polyphony::Throttler.new(1000).process { Polyphony.remaining }]
    end
    expect(values.value).to eq([:cut, :after, :every, nil])
  end

  it 'need a block and a number of seconds' do
    %i[move_on_after cancel_after].each do |verb|
      expect(error_of { public_send(verb, 1) }).to be_a(ArgumentError)
      [-1, -Float::INFINITY, Float::NAN].each { |wrong| expect(error_of { public_send(verb, wrong) {} }).to be_a(ArgumentError) }
      ['1', :one, [], Complex(1, 1)].each { |wrong| expect(error_of { public_send(verb, wrong) {} }).to be_a(TypeError) }
    end
  end

  # Whichever of the two runs out first, and whichever is inside.
  describe 'beside Timeout.timeout' do
    def ours(seconds, &block) = move_on_after(seconds, with_value: :ours, &block)

    it 'the limit that runs out first ends its own block' do
      expect(error_of { ours(2) { Timeout.timeout(1) { suspend } } }).to be_a(Timeout::Error)
      expect(ours(1) { Timeout.timeout(2) { suspend } }).to eq(:ours)
      expect(Timeout.timeout(2) { ours(1) { suspend } }).to eq(:ours)
      expect(error_of { Timeout.timeout(1) { ours(2) { suspend } } }).to be_a(Timeout::Error)
    end

    it 'of two that run out together the outer one ends' do
      expect(ours(1) { Timeout.timeout(1) { suspend } }).to eq(:ours)
      expect(error_of { Timeout.timeout(1) { ours(1) { suspend } } }).to be_a(Timeout::Error)
    end

    it 'a limit that was left leaves nothing behind' do
      expect(ours(5) { Timeout.timeout(1) { :quick }; sleep 2; :done }).to eq(:done)
      expect(Timeout.timeout(5) { ours(1) { :quick }; sleep 2; :done }).to eq(:done)
      expect(ours(5) { error_of { Timeout.timeout(1) { suspend } }.class }).to eq(Timeout::Error)
    end
  end

  describe 'Polyphony.shield' do
    it 'holds back time limits and stops until its end' do
      value = move_on_after(1, with_value: :cut) do
        Polyphony.shield { sleep 5; log << :shielded }
        suspend
      end
      expect([value, log, time]).to eq([:cut, [:shielded], 5])
      fiber = waiting { Polyphony.shield { sleep 5; log << time }; log << :computed; suspend }
      fiber.stop
      expect(log).to eq([:shielded, 10, :computed])
    end

    it 'gives its value, nests, and does not outlive an error' do
      expect(move_on_after(0, with_value: :cut) { Polyphony.shield { Polyphony.shield { snooze }; sleep 1; :value } }).to eq(:value)
      expect(error_of { Polyphony.shield { raise IOError } }).to be_a(IOError)
      expect(move_on_after(1, with_value: :cut) { suspend }).to eq(:cut)
      expect(error_of { Polyphony.shield }).to be_a(ArgumentError)
    end

    it 'lets limits that are set inside cut, so that a clean-up can be bounded' do
      fiber = waiting do
        suspend
      ensure
        Polyphony.shield { log << move_on_after(3, with_value: :gave_up) { suspend } }
      end
      fiber.stop(:stopped)
      fiber.stop(now: true) if fiber.alive?
      expect([fiber.await, log, time]).to eq([:stopped, [:gave_up], 3])
      expect(Polyphony.shield { Timeout.timeout(1) { suspend } rescue :timeout }).to eq(:timeout)
    end

    it 'inside a limit inside a shield holds that limit back, too' do
      value = Polyphony.shield { move_on_after(1, with_value: :cut) { Polyphony.shield { sleep 2 }; log << time; suspend } }
      expect([value, log]).to eq([:cut, [2]])
    end
  end
end
