# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'schedulers' do
  # The least that Ruby accepts as a fiber scheduler: another gem's.
  let(:foreign) do
    Class.new do
      def self.name = 'Toy::Scheduler'
      def self.to_s = name
      def block(*) = true
      def unblock(*) = nil
      def kernel_sleep(*) = nil
      def io_wait(_io, events, _timeout) = events
      def fiber(&block) = Fiber.new(blocking: false, &block).tap(&:resume)
      def close = nil
    end
  end

  def in_thread(&block)
    thread = Thread.new(&block)
    thread.report_on_exception = false
    thread.value
  end

  it 'of another gem: our verbs say so and name it, and leave it alone' do
    scheduler = foreign.new
    calls = [-> { Polyphony.spin {} }, -> { Polyphony.run {} }, -> { Polyphony.current }, -> { Polyphony.receive },
             -> { Polyphony.supervise }, -> { Polyphony.move_on_after(1) {} }, -> { Polyphony.snooze },
             -> { Polyphony::ThreadPool.new.process {} }, -> { Polyphony.every(1) {} }]
    errors, after = in_thread do
      Fiber.set_scheduler(scheduler)
      [calls.map { |call| error_of(&call) }, Fiber.scheduler]
    end
    expect(errors).to all(be_a(Polyphony::Error).and(have_attributes(message: /Toy::Scheduler.*Polyphony::Thread/m)))
    expect(after).to equal(scheduler)
  end

  it 'of another gem on another thread do not matter' do
    result = in_thread do
      Fiber.set_scheduler(foreign.new)
      Polyphony::Thread.new { Polyphony.spin { 1 }.await }.value
    end
    expect(result).to eq(1)
  end

  it 'set twice: the first is closed and its fibers end, the second serves' do
    log = in_thread do
      seen = []
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      Fiber.schedule { sleep 0; seen << :first }
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      Fiber.schedule { sleep 0; seen << :second }
      Fiber.set_scheduler(nil)
      seen
    end
    expect(log).to eq(%i[first second])
  end

  it 'set twice with the same object is no use: a closed one refuses' do
    error = in_thread do
      scheduler = Polyphony::Scheduler.new
      Fiber.set_scheduler(scheduler)
      Fiber.set_scheduler(nil)
      Fiber.set_scheduler(scheduler)
      error_of { Fiber.schedule { sleep 0 } }
    end
    expect(error).to be_a(FiberError)
  end

  it 'with an unknown backend name what there is' do
    expect(error_of { Polyphony::Scheduler.new(backend: :nonsense) }).to be_a(ArgumentError)
      .and have_attributes(message: /nonsense.*libev/)
  end

  it 'spin in a thread without one installs ours; in a fiber of a closed one is refused' do
    expect(in_thread { Polyphony.spin { 3 }.await }).to eq(3)
    handle = in_thread { Polyphony.spin {}.tap(&:await) }
    expect(error_of { handle << 1 }).to be_a(Polyphony::DeadFiber)
  end
end
