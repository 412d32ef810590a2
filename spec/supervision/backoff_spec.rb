# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'supervise with backoff:', :fibers do
  def backoff(rule)
    Polyphony::Supervisor.class_eval('Backoff', __FILE__, __LINE__).for(rule) # it is private
  end

  def pauses(rule, count = 6)
    backoff(rule).then { |one| (1..count).map { |attempt| one.seconds(attempt) } }
  end

  it 'is none by default' do
    expect(backoff(nil)).to be_nil
  end

  it 'is a number of seconds' do
    expect(pauses(1.5, 3)).to eq([1.5, 1.5, 1.5])
  end

  it 'grows from min by factor up to max' do
    expect(pauses({ min: 1, factor: 3, max: 20, jitter: 0 })).to eq([1, 3, 9, 20, 20, 20])
    expect(pauses({ jitter: 0 }, 12)).to eq([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30])
    expect(backoff({ jitter: 0 }).seconds(5000)).to eq(30)
  end

  it 'is spread by jitter, the same for the same seed' do
    rule = ->(seed) { { min: 10, factor: 1, max: 10, jitter: 0.5, random: Random.new(seed) } }
    first = pauses(rule[1], 200)
    expect(first).to all(be_between(5, 15))
    expect(first.min).to be < 6
    expect(first.max).to be > 14
    expect(pauses(rule[1], 200)).to eq(first)
    expect(pauses(rule[2], 200)).not_to eq(first)
  end

  it 'is spread by the random numbers of Ruby, unless told others' do
    srand(7)
    first = pauses({ min: 1, max: 1 })
    srand(7)
    expect(pauses({ min: 1, max: 1 })).to eq(first)
  end

  it 'is what something called gives, for the number of the attempt' do
    expect(pauses(->(attempt) { attempt * 2 }, 3)).to eq([2, 4, 6])
  end

  it 'is refused when it makes no sense' do
    ['x', :x, -1, { nonsense: 1 }, { min: 2, max: 1 }, { factor: 0.5 }, { jitter: 2 }, { jitter: -1 }, { min: 'x' },
     { random: 1 }].each do |rule|
      error = error_of { supervise(restart: :always, backoff: rule) }
      expect(error).to be_a(ArgumentError).or(be_a(TypeError)), rule.inspect
      expect(error.message).to include('backoff')
    end
  end

  it 'counts restarts in a row: a run longer than within: begins anew' do
    now = 0.0
    RSpec::Mocks.allow_message(Polyphony, :now) { now }
    lengths = [1, 1, 6, 1, 5, 1]
    asked = []
    fiber = spin { now += lengths.shift || Polyphony.current.stop; raise 'oops' }
    supervise(fiber, restart: :on_error, max_restarts: nil, backoff: ->(attempt) { asked << attempt; 0 }) {}
    expect(asked).to eq([1, 2, 1, 2, 3, 4])
  end

  it 'counts for each fiber by itself' do
    asked = []
    fibers = Array.new(2) { spin { receive.then { raise 'oops' } } }
    boss = waiting { supervise(*fibers, restart: :on_error, backoff: ->(attempt) { asked << attempt; 0 }) {} }
    fibers.each_with_index { |fiber, i| fiber << :fail; wait_until { asked.size == i + 1 } }
    wait_until { fibers[0].waiting_on == 'receive' }
    fibers[0] << :fail
    wait_until { asked.size == 3 }
    expect(asked).to eq([1, 1, 2])
    boss.stop
  end

  it 'ends the supervision when what it calls raises or gives no seconds' do
    [->(_) { raise IOError }, ->(_) { :x }, ->(_) { -1 }].each do |rule|
      fiber = spin { raise 'oops' }
      expect(error_of { supervise(fiber, restart: :on_error, backoff: rule) {} })
        .to be_a(IOError).or(be_a(TypeError)).or(be_a(ArgumentError))
      expect(fiber).not_to be_alive
    end
  end

  it 'of one fiber does not hold up the supervision of the others', :fifo do
    slow = spin(:slow) { receive; raise 'oops' }
    runs = 0
    quick = spin(:quick) { (runs += 1) < 4 ? receive.then { raise 'oops' } : :fine }
    boss = waiting { supervise(slow, quick, restart: :on_error, max_restarts: 9, backoff: ->(_) { slow.waiting_on == 'restart' ? 60 : 0 }) {} }
    slow << :fail
    wait_until { slow.waiting_on&.include?('left') }
    3.times do |i|
      wait_until { runs == i + 1 && quick.waiting_on == 'receive' }
      quick << :fail
    end
    expect(quick.await).to eq(:fine)
    expect(slow.waiting_on).to match(/\Arestart, .* left\z/)
    slow.stop(:given_up)
    expect([boss.await, slow.await]).to eq([nil, :given_up])
  end

  it 'for ever waits for somebody to restart or stop the fiber', :fifo do
    fiber = spin { log << :run; receive if log.one?; raise 'oops' }
    boss = waiting { supervise(fiber, restart: :on_error, backoff: Float::INFINITY) {} }
    fiber << :fail
    wait_until { fiber.waiting_on == 'restart' }
    fiber.restart
    wait_until { log.size == 2 && fiber.waiting_on == 'restart' }
    boss.stop
    expect([log.size, fiber.alive?]).to eq([2, false])
  end
end
