# frozen_string_literal: true

require_relative '../support/fibers'

# However supervise is left: nothing that it supervised is alive then, and nothing is lost.
RSpec.describe 'The end of supervise', :fibers do
  # Ends slowly, so that an order is one.
  def worker(tag)
    spin(tag) do
      receive.tap { |order| raise order if order.is_a?(String) }
    ensure
      2.times { snooze }
      log << tag
    end
  end

  let(:workers) { %i[a b c].map { |tag| worker(tag) }.tap { settle } }

  def supervisor(*fibers, **options, &block)
    waiting(:supervisor) { supervise(*fibers, **options, &block) }
  end

  def nothing_pending
    expect(Array.new(4) { error_of { snooze } }.compact).to be_empty
  end

  def gone
    expect(workers.map(&:alive?)).to eq([false] * 3)
    expect(log).to eq(%i[c b a])
    nothing_pending
  end

  [{}, { restart: :on_error }, { restart: :always, strategy: :one_for_all }].each do |options|
    describe "with #{options.inspect}" do
      it 'stops all in reverse order, one after the other, when it is stopped' do
        supervisor(*workers, **options).stop
        gone
      end

      it 'does so when it is cancelled, or an error is raised in it' do
        boss = supervisor(*workers, **options)
        boss.raise(IOError, 'from outside')
        expect(error_of { boss.await }).to be_a(IOError)
        gone
      end

      it 'does so when its time is over' do
        result = move_on_after(600, with_value: :over) do |scope|
          fibers = workers
          spin { settle; scope.cancel }
          supervise(*fibers, **options)
        end
        expect(result).to eq(:over)
        gone
      end

      it 'does so when the block raises' do
        boss = supervisor(*workers, **options) { |fiber, _| raise IOError, fiber.tag.to_s }
        expect(error_of { workers[1].stop && boss.await }&.message).to eq('b') # at the end of whichever wait
        expect(workers.map(&:alive?)).to eq([false] * 3)
        expect(log).to eq(%i[b c a])
        nothing_pending
      end

      it 'does so when the block breaks' do
        fibers = workers
        boss = waiting { supervise(*fibers, **options) { |fiber, _| break fiber.tag } }
        fibers[2].stop
        expect(boss.await).to eq(:c)
        expect(log).to eq(%i[c b a])
        nothing_pending
      end
    end
  end

  it 'stops them all at once when it is interrupted again meanwhile' do
    stuck = spin(:stuck) do
      suspend
    ensure
      receive
      log << :stuck
    end
    fibers = [*workers, stuck]
    boss = supervisor(*fibers, restart: :on_error)
    stopper = waiting { boss.stop }
    wait_until { stuck.waiting_on == 'receive' }
    expect(log).to be_empty
    boss.raise(IOError)
    wait_until { log.size == 3 }
    expect([boss.alive?, stuck.alive?]).to eq([true, true])
    stuck << :end
    expect(error_of { stopper.await }).to be_a(IOError) # comes to us as the parent of the supervisor
    expect([log.last, boss.alive?]).to eq([:stuck, false])
  end

  it 'cuts ensure blocks when it is stopped at once' do
    stuck = spin do
      suspend
    ensure
      suspend
    end
    boss = supervisor(stuck, restart: :on_error)
    stopper = waiting { boss.stop }
    boss.stop(now: true)
    stopper.await
    expect([boss.alive?, stuck.alive?]).to eq([false, false])
  end

  it 'is a stop even for who rescues errors on the way: the error goes to the parent', :fifo do
    fibers = workers
    went_on = false
    boss = spin do
      begin
        supervise(*fibers) { raise IOError }
      rescue IOError
        snooze
        went_on = true
      end
    end
    wait_until { boss.waiting_on == 'supervise' }
    fibers[0] << 'oops'
    wait_until { fibers[0].state == :dead }
    expect(error_of { boss.stop }).to be_a(IOError)
    expect([went_on, boss.alive?]).to eq([false, false])
  end

  it 'ends fibers between two runs, with how the last one ended' do
    boss = supervisor(*workers, restart: :on_error, backoff: 60) {}
    workers[1] << 'oops'
    wait_until { workers[1].waiting_on&.include?('left') }
    boss.stop
    expect(workers.map(&:alive?)).to eq([false] * 3)
    expect(error_of { workers[1].await }&.message).to eq('oops')
    nothing_pending
  end

  it 'at every point of a restart of all ends all of them, and the error goes to the block or to us' do
    both = (0..30).map do |switches|
      fibers = %i[a b c].map { |tag| worker(tag) }
      told = []
      boss = supervisor(*fibers, restart: :on_error, strategy: :one_for_all, backoff: switches.odd? ? 0 : 0.0001) do |*end_of_run|
        told << end_of_run
      end
      wait_until { fibers.all? { |fiber| fiber.waiting_on == 'receive' } }
      fibers[1] << 'oops'
      switches.times { snooze }
      error = error_of { boss.stop }
      expect([switches, fibers.map(&:alive?), boss.state]).to eq([switches, [false] * 3, :dead])
      expect([told.size, error&.message]).to eq([0, nil]).or eq([0, 'oops']).or eq([1, nil])
      nothing_pending
      [told.size, error&.message]
    end
    expect(both).to include([0, 'oops'], [1, nil])
  end

  it 'gives errors in ensure blocks to who is to raise another as suppressed ones', :fifo do
    spin(:ends_badly) do
      suspend
    ensure
      raise 'unwinding'
    end
    spin { snooze; raise 'first' }
    error = error_of { supervise(restart: nil) { |_, outcome| log << outcome.message } }
    expect([error&.message, Polyphony.suppressed(error).map(&:message), log]).to eq(['first', ['unwinding'], ['first']])
    nothing_pending
  end

  describe 'an error in an ensure block of a fiber that somebody has stopped' do
    def spin_bad
      spin(:bad) do
        suspend
      ensure
        raise 'unwinding'
      end
    end

    it 'is told to the block, when a restart would have answered it' do
      told = []
      bad = spin_bad
      boss = supervisor(bad, *workers, restart: :on_error) { |fiber, outcome| told << [fiber.tag, outcome.message] }
      bad.stop
      wait_until { told.any? }
      expect([told, boss.alive?]).to eq([[[:bad, 'unwinding']], true])
      boss.stop
      gone
    end

    it 'is raised, when not', :fifo do
      [{}, { restart: ->(*) { false } }].each do |options|
        fibers = [spin { suspend }, spin_bad]
        settle
        boss = supervisor(*fibers, **options)
        fibers[1].stop
        expect(error_of { boss.await }&.message).to eq('unwinding')
        expect(fibers.map(&:alive?)).to eq([false] * 2)
        nothing_pending
      end
    end
  end

  it 'gives each error once, also to a parent that awaits the fiber itself' do
    failing = spin { receive; raise 'oops' }
    boss = waiting { error_of { supervise(failing) } }
    awaiter = waiting { error_of { failing.await } }
    failing << :go
    expect([boss.await&.message, awaiter.await&.message]).to eq(%w[oops oops])
    nothing_pending
  end

  it 'gives each error once, also when another child has awaited the fiber and failed in turn' do
    failing = spin { receive; raise 'oops' }
    waiting { failing.await }
    failing << :go
    expect(error_of { supervise(failing) }&.message).to eq('oops')
    settle
    nothing_pending
  end

  it 'lets nobody restart a fiber while it ends' do
    both = (0..15).flat_map do |switches|
      [0, 1].map do |which|
        fibers = [spin { receive; raise 'oops' }, spin { suspend }, *%i[x y].map { |tag| worker(tag) }]
        boss = supervisor(*fibers, restart: :on_error, backoff: 60) {}
        settle
        fibers[0] << :fail
        wait_until { fibers[0].waiting_on&.include?('left') }
        stopper = spin { boss.stop }
        switches.times { snooze }
        fibers[which].restart if (meanwhile = boss.alive?)
        stopper.await
        expect([switches, which, fibers.map(&:alive?)]).to eq([switches, which, [false] * fibers.size])
        meanwhile
      end
    end
    expect(both).to include(true)
  end

  it 'leaves errors to the parent again when supervision is over', :fifo do
    boss = supervisor(*workers, restart: :on_error)
    boss.stop
    expect { workers[0].restart << 'oops'; settle; snooze }.to raise_error(RuntimeError, 'oops')
  end

  it 'comes with a Deadlock when nothing can go on' do
    result = run_ruby(<<~RUBY)
      require 'polyphony'
      fiber = spin(:stuck) { receive }
      begin
        supervise(restart: :always)
      rescue Polyphony::Deadlock => e
        puts e.message.lines.grep(/stuck|supervise/).size, fiber.alive?
      end
    RUBY
    expect([result.stdout, result.stderr]).to eq(["2\nfalse\n", ''])
  end
end
