# frozen_string_literal: true

require_relative '../support/fibers'

# Wrong types and values to every public method: an error that Ruby's own methods would raise, and the
# program goes on.
RSpec.describe 'wrong arguments', :fibers do
  let(:fiber) { waiting { suspend } }

  wrong_durations = { 'text' => TypeError, :symbol => TypeError, Object.new => TypeError, [] => TypeError,
                      Complex(1, 2) => TypeError, -1 => ArgumentError, -0.5 => ArgumentError,
                      -Float::INFINITY => ArgumentError, Float::NAN => ArgumentError }

  takers = {
    'after' => ->(wrong) { Polyphony.after(wrong) {} },
    'every' => ->(wrong) { Polyphony.every(wrong) {} },
    'move_on_after' => ->(wrong) { Polyphony.move_on_after(wrong) {} },
    'cancel_after' => ->(wrong) { Polyphony.cancel_after(wrong) {} },
    'receive' => ->(wrong) { Polyphony.receive(timeout: wrong) },
    'Throttler.new(interval:)' => ->(wrong) { Polyphony::Throttler.new(interval: wrong) },
    'Throttler.new' => ->(wrong) { Polyphony::Throttler.new(wrong) },
    'ResourcePool#acquire' => ->(wrong) { Polyphony::ResourcePool.new(limit: 1) { 1 }.acquire(timeout: wrong) {} },
    'spin_loop(interval:)' => ->(wrong) { Polyphony.spin_loop(interval: wrong) {} },
    'throttled_loop' => ->(wrong) { Polyphony.throttled_loop(wrong) {} },
  }

  takers.each do |name, taker|
    it "of seconds: #{name}" do
      wrong_durations.each { |wrong, error| expect([wrong.to_s, error_of { taker.call(wrong) }]).to match([wrong.to_s, be_a(error)]) }
    end
  end

  it 'of a limit that is running: reset and extend' do
    move_on_after(60) do |scope|
      expect(error_of { scope.reset(-1) }).to be_a(ArgumentError)
      expect(error_of { scope.reset('x') }).to be_a(TypeError)
      expect(error_of { scope.extend('x') }).to be_a(TypeError)
      expect(error_of { scope.extend(Float::NAN) }).to be_a(ArgumentError).or be_a(FloatDomainError)
      expect(error_of { scope.run(1) {} }).to be_a(ArgumentError)
    end
  end

  it 'of a scope that is not running' do
    scope = move_on_after(60) { |own| own }
    expect(error_of { scope.reset }).to be_a(ArgumentError)
    expect(error_of { scope.extend(1) }).to be_a(ArgumentError)
    expect(scope.cancel).to equal(scope)
    expect([scope.cancelled?, scope.remaining]).to eq([false, nil])
  end

  it 'no block' do
    verbs = { spin: [], spin_loop: [], after: [1], every: [1], move_on_after: [1], cancel_after: [1], run: [], shield: [],
              receive_loop: [], throttled_loop: [1] }
    verbs.each { |verb, args| expect([verb, error_of { Polyphony.public_send(verb, *args) }]).to match([verb, be_a(ArgumentError)]) }
  end

  it 'too many' do
    %i[snooze suspend current tree receive_pending].each do |verb|
      expect([verb, error_of { Polyphony.public_send(verb, 1) }]).to match([verb, be_a(ArgumentError)])
    end
  end

  it 'of the methods of a fiber' do
    expect(error_of { fiber.raise(1) }).to be_a(TypeError)
    expect(error_of { fiber.cancel(1) }).to be_a(TypeError)
    expect(error_of { fiber.stop(1, 2) }).to be_a(ArgumentError)
    expect(error_of { fiber.stop(nonsense: true, now: true) }).to be_a(ArgumentError)
    expect(error_of { fiber.send }).to be_a(ArgumentError)
    expect(error_of { fiber.mailbox_limit = 'x' }).to be_a(ArgumentError)
    expect(error_of { fiber.resume }).to be_a(Polyphony::Error)
    expect(fiber).to be_alive
  end

  it 'what is no fiber' do
    [1, nil, 'x', Thread.current, Fiber.new {}].each do |wrong|
      [-> { Polyphony::Fiber.await(wrong) }, -> { Polyphony::Fiber.select(wrong) }, -> { supervise(wrong) }].each do |call|
        expect(error_of(&call)).to be_a(TypeError)
      end
    end
  end

  it 'cannot be made by new' do
    expect(error_of { Polyphony::Fiber.new {} }).to be_a(NoMethodError)
  end

  it 'of the backend' do
    backend = Polyphony.backend
    expect(error_of { backend.read(1, +'', 1) }).to be_a(StandardError)
    expect(error_of { backend.read($stdin, 1, 1) }).to be_a(TypeError)
    expect(error_of { backend.write(nil, 'x') }).to be_a(StandardError)
    expect(error_of { backend.sleep(-1) }).to be_a(ArgumentError)
    expect(error_of { backend.sleep('x') }).to be_a(TypeError)
    expect(error_of { backend.accept('x') }).to be_a(StandardError)
    expect(error_of { backend.read_loop(nil) {} }).to be_a(StandardError)
  end

  it 'are survived: the scheduler still works' do
    expect(spin { sleep 0; :works }.await).to eq(:works)
  end

  describe 'what a dead fiber is told' do
    let(:dead) { spin { :result }.tap(&:await) }

    it 'raises, or does nothing, or answers' do
      raising = { send: [1], :<< => [1], raise: ['x'], cancel: [] }
      raising.each { |verb, args| expect(error_of { dead.public_send(verb, *args) }).to be_a(Polyphony::DeadFiber) }
      expect([dead.stop.await, dead.stop(now: true).await, dead.send?(1)]).to eq([:result, :result, false])
      expect([dead.state, dead.waiting_on, dead.children, dead.alive?]).to eq([:dead, nil, [], false])
      expect(dead.inspect).to include('dead')
    end
  end
end
