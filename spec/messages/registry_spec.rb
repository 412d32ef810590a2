# frozen_string_literal: true

require_relative '../support/fibers'
require_relative '../support/run_ruby'
require 'polyphony/thread'

RSpec.describe 'registered names', :fibers do
  after { Polyphony.registered.each_key { |name| Polyphony.unregister(name) } }

  it 'find their fiber' do
    fiber = spin { receive }
    expect(Polyphony.register(:logger, fiber)).to equal(fiber)
    expect([Polyphony[:logger], Polyphony.fetch(:logger), Polyphony.registered]).to eq([fiber, fiber, { logger: fiber }])
    Polyphony[:logger] << :message
    expect(fiber.await).to eq(:message)
  end

  it 'are the calling fiber\'s by default, and can be anything but nil' do
    expect(Polyphony.register([:session, 5])).to equal(Polyphony.current)
    expect([Polyphony[[:session, 5]], Polyphony['x']]).to eq([Polyphony.current, nil])
    expect(error_of { Polyphony.register(nil) }).to be_a(ArgumentError)
    expect(error_of { Polyphony.register(:x, 5) }).to be_a(TypeError)
  end

  it 'are not tags' do
    fiber = waiting(:tagged) { suspend }
    expect(Polyphony[:tagged]).to be_nil
    Polyphony.register(:name, fiber)
    expect(fiber.tag).to eq(:tagged)
  end

  it 'say that there is none' do
    expect(Polyphony[:none]).to be_nil
    expect(error_of { Polyphony.fetch(:none) }).to be_a(KeyError).and have_attributes(key: :none, message: include(':none'))
    expect(Polyphony.unregister(:none)).to be_nil
  end

  it 'belong to one live fiber' do
    one, two = Array.new(2) { waiting { suspend } }
    Polyphony.register(:name, one)
    expect(Polyphony.register(:name, one)).to equal(one)
    expect(error_of { Polyphony.register(:name, two) }).to be_a(Polyphony::Error).and have_attributes(message: include(one.inspect))
    expect(Polyphony.unregister(:name)).to equal(one)
    Polyphony.register(:name, two)
    Polyphony.register(:other, two)
    expect(Polyphony.registered).to eq(name: two, other: two)
  end

  it 'are free when their fiber has ended, however that comes' do
    ends = { return: -> {}, stop: -> { suspend }, error: -> { raise IOError } }
    ends.each do |how, body|
      fiber = spin(&body)
      Polyphony.register(:name, fiber)
      how == :stop ? fiber.stop : error_of { fiber.await }
      expect([how, Polyphony[:name], Polyphony.registered]).to eq([how, nil, {}])
      expect(error_of { Polyphony.register(:name, fiber) }).to be_a(Polyphony::DeadFiber)
      expect(Polyphony.const_get(:Registry).instance_variable_get(:@lives)).to be_empty
    end
  end

  it 'stay over a restart' do
    fiber = waiting { suspend }
    Polyphony.register(:name, fiber)
    fiber.restart
    expect(Polyphony[:name]).to equal(fiber)
    wait_until { fiber.state == :waiting }
    expect(Polyphony[:name]).to equal(fiber)
  end

  it 'come back when an ended fiber is restarted, unless somebody else has taken them' do
    fiber = waiting { suspend }
    %i[kept taken].each { |name| Polyphony.register(name, fiber) }
    fiber.stop
    other = waiting { suspend }
    Polyphony.register(:taken, other)
    fiber.restart
    expect(Polyphony.registered).to eq(kept: fiber, taken: other)
    fiber.stop
    expect(Polyphony.registered).to eq(taken: other)
  end

  it 'stay while a supervisor restarts their fiber' do
    runs = 0
    names = []
    fiber = spin { names << Polyphony[:name]; raise IOError if (runs += 1) < 3 }
    Polyphony.register(:name, fiber)
    supervise(fiber, restart: :on_error) {}
    expect([names, Polyphony[:name]]).to eq([[fiber] * 3, nil])
  end

  it 'that were taken back do not come back' do
    fiber = waiting { suspend }
    Polyphony.register(:name, fiber)
    Polyphony.unregister(:name)
    fiber.stop
    fiber.restart
    expect(Polyphony[:name]).to be_nil
  end

  it 'are seen by all threads, and free when their thread has ended' do
    thread = Polyphony::Thread.new { Polyphony.register(:there); receive }
    wait_until { Polyphony[:there] }
    Polyphony[:there] << :from_here
    expect(thread.value).to eq(:from_here)
    expect(Polyphony[:there]).to be_nil
  end

  it 'go to one fiber only when several threads want them' do
    50.times do
      tried, gate = Queue.new, Queue.new
      threads = Array.new(4) do
        Thread.new do
          tried << (Polyphony.register(:wanted) && :got rescue $!.class)
          gate.pop # nobody ends, and frees the name, before all have tried
        end
      end
      expect(Array.new(4) { tried.pop }.tally).to eq(:got => 1, Polyphony::Error => 3)
      gate.close
      threads.each(&:join)
    end
  end

  it 'are, in a forked child, only those of the fiber that forked' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        Polyphony.register(:main)
        Polyphony.register(:child, Polyphony.spin { Polyphony.suspend })
        ready = Queue.new
        Thread.new { Polyphony.register(:thread); ready << 1; Polyphony.receive }
        ready.pop
        p Polyphony.registered.keys
        pid = fork do
          p Polyphony.registered.keys, Polyphony[:thread], Polyphony[:child], Polyphony[:main].equal?(Polyphony.current)
          %i[thread child].each { |name| Polyphony.register(name, Polyphony.spin { Polyphony.suspend }) }
          p Polyphony.registered.keys.sort
        end
        Process.wait(pid)
        p Polyphony.registered.keys
        Process.wait(fork { exit!(Polyphony[:child] ? 1 : 0) }) # the first thing that the child does
        p $?.exitstatus
        Thread.new { Process.wait(fork { p Polyphony.registered; exit!(0) }) }.join # from a thread without a scheduler
        exit!(0)
      end
    RUBY
    expect([out, err]).to eq([<<~TEXT, ''])
      [:main, :child, :thread]
      [:main]
      nil
      nil
      true
      [:child, :main, :thread]
      [:main, :child, :thread]
      0
      {}
    TEXT
  end
end
