# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/testing'

RSpec.describe 'Polyphony::Testing.run' do
  def run(**options, &block)
    Polyphony::Testing.run(**options, &block)
  end

  it 'runs the block as a fiber, and its children end with it' do
    child = nil
    expect(run { (child = Polyphony.spin { sleep }) && Fiber.current.blocking? }).to be(false)
    expect(child).not_to be_alive
  end

  it 'ends children in a fiber, too, and raises what they fail with', :fibers do
    child = nil
    expect(run { child = waiting { suspend } and :value }).to eq(:value)
    expect(child).not_to be_alive
    expect { run { spin { raise IOError } && suspend } }.to raise_error(IOError)
  end

  it 'gives a virtual clock, by which the children end as well' do
    times = []
    run(clock: :virtual) do |clock|
      Polyphony.spin { begin sleep ensure sleep(3600) && times << clock.now end }
      Polyphony.snooze
      times << clock.now
    end
    expect(times).to eq([0.0, 3600.0])
    expect(run { |clock| clock }).to be_nil
  end

  it 'puts clock and order back', :fibers do
    scheduler = Polyphony::Scheduler.current
    run(clock: :virtual, seed: 1) { expect([scheduler.virtual_clock, scheduler.shuffle]).to eq([0, 1]) }
    expect([scheduler.virtual_clock, scheduler.shuffle]).to eq([nil, Integer(ENV['POLYPHONY_SHUFFLE'], exception: false)])
  end

  it 'checks for leaks when asked to' do
    expect { run(leaks: true) { @kept = IO.pipe } }.to raise_error(Polyphony::Testing::LeakError, /pipe/)
  ensure
    @kept.each(&:close)
  end

  it 'refuses a clock and a seed that are none' do
    expect { run(clock: :wall) {} }.to raise_error(ArgumentError, /:real or :virtual, not :wall/)
    expect { run(seed: 'x') {} }.to raise_error(TypeError, /Integer, not "x"/)
    expect { run(clock: :virtual, threshold: -1) {} }.to raise_error(ArgumentError, /threshold/)
    expect { run }.to raise_error(ArgumentError, /block/)
  end
end

RSpec.describe 'Polyphony::Testing.shuffle' do
  def order(seed)
    Polyphony::Testing.shuffle(seed) do
      log = []
      fibers = Array.new(6) { |i| Polyphony.spin { 2.times { log << i && Polyphony.snooze } } }
      fibers.each(&:await)
      log
    end
  end

  let(:fifo) { [*0..5, *0..5] }

  it 'runs fibers in an order that the seed makes: the same again, and another with another' do
    orders = (1..20).to_h { |seed| [seed, order(seed)] }
    expect(orders.values.map(&:sort)).to all(eq(fifo.sort))
    expect(orders.values.uniq.size).to be > 15
    expect((1..20).to_h { |seed| [seed, order(seed)] }).to eq(orders)
  end

  it 'ends with its block', :fibers do
    before = Polyphony::Testing.seed
    Polyphony::Testing.shuffle(5) { |seed| expect([seed, Polyphony::Testing.seed]).to eq([5, 5]) }
    expect(Polyphony::Testing.seed).to eq(before)
  end

  it 'chooses a seed, and tells it by the error' do
    seed = nil
    error = error_of { Polyphony::Testing.shuffle { |s| seed = s and raise IOError, 'failed' } }
    expect([error.class, error.message]).to eq([IOError, "failed\n(shuffled with seed #{seed})"])
    expect(error.backtrace.first).to start_with(__FILE__)
  end

  it 'leaves the error alone when the seed was given' do
    error = IOError.new('failed')
    expect(error_of { Polyphony::Testing.shuffle(1) { raise error } }).to be(error)
  end

  it 'is of every scheduler when the environment says so' do
    program = <<~RUBY
      require 'polyphony/testing'
      orders = Array.new(2) do
        Polyphony.run do
          log = []
          Array.new(8) { |i| Polyphony.spin { log << i } }.each(&:await)
          [Polyphony::Testing.seed, log]
        end
      end
      p orders.uniq
    RUBY
    shuffled = run_ruby(program, env: { 'POLYPHONY_SHUFFLE' => '7' }).stdout
    expect(shuffled).to match(/\A\[\[7, \[[\d, ]+\]\]\]\n\z/)
    plain = run_ruby(program, env: { 'POLYPHONY_SHUFFLE' => nil }).stdout
    expect(plain).to eq("[[nil, [0, 1, 2, 3, 4, 5, 6, 7]]]\n")
    expect(shuffled).not_to include('[0, 1, 2, 3, 4, 5, 6, 7]')
  end
end

RSpec.describe 'Polyphony::Testing.each_seed' do
  # Right only if the first fiber runs first.
  def racy
    log = []
    [1, 2].map { |i| Polyphony.spin { log << i } }.each(&:await)
    raise "wrong: #{log}" unless log == [1, 2]
  end

  it 'runs the block with each seed' do
    seeds = []
    expect(Polyphony::Testing.each_seed(5, from: 10) { |seed| seeds << [seed, Polyphony::Testing.seed] }).to eq(5)
    expect(seeds).to eq((10..14).map { |seed| [seed, seed] })
  end

  it 'finds a mistake of order, and tells the seed to repeat it with' do
    error = error_of { Polyphony::Testing.each_seed(50) { racy } }
    expect(error.message).to match(/\Awrong: \[2, 1\]\n\(shuffled with seed (\d+)\)\z/)
    seed = error.message[/seed (\d+)/, 1].to_i
    expect(error_of { Polyphony::Testing.shuffle(seed) { racy } }.message).to eq('wrong: [2, 1]')
  end

  it 'does so in a fiber, where each round ends its own', :fibers do
    Polyphony::Testing.each_seed(3, clock: :virtual) { waiting { suspend } }
    expect(Polyphony.current.children).to be_empty
  end

  it 'refuses a count that is none' do
    expect { Polyphony::Testing.each_seed(0) {} }.to raise_error(ArgumentError, /count/)
  end
end
