# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'supervise with restart:', :fibers do
  # A fiber that notes each run, and then does what it is sent: a String is an error to raise.
  def worker(tag = :worker)
    spin(tag) do
      log << tag
      order = receive
      order.is_a?(String) ? raise(order) : order
    end
  end

  def supervisor(*fibers, **options, &block)
    block ||= ->(fiber, outcome) { log << [fiber.tag, outcome.is_a?(Exception) ? outcome.message : outcome] }
    waiting(:supervisor) { supervise(*fibers, **options, &block) }
  end

  def started(fiber, runs = 1)
    wait_until { log.count(fiber.tag) == runs && fiber.state == :waiting && fiber.waiting_on == 'receive' }
    fiber
  end

  describe ':always' do
    it 'restarts whoever ends, with an error or without' do
      fiber = worker
      boss = supervisor(fiber, restart: :always)
      started(fiber) << 'one'
      started(fiber, 2) << :two
      started(fiber, 3)
      expect(log).to eq([:worker, [:worker, 'one'], :worker, [:worker, :two], :worker])
      expect(boss).to be_alive
      boss.stop
      expect(fiber).not_to be_alive
    end

    it 'is also called true and :permanent' do
      [true, :permanent].each do |word|
        log.clear
        fiber = worker
        boss = supervisor(fiber, restart: word)
        started(fiber) << :once
        started(fiber, 2)
        boss.stop
      end
    end

    it 'ends when all have been stopped: who is stopped is not restarted', :fifo do
      fibers = [worker(:a), worker(:b)]
      boss = supervisor(*fibers, restart: :always)
      fibers.each { |fiber| started(fiber).stop(:enough) }
      expect(boss.await).to be_nil
      expect(log.last(2)).to eq([%i[a enough], %i[b enough]])
    end

    it 'does not restart who stops itself' do
      fiber = spin(:self) { Polyphony.current.stop(:done) }
      expect(supervise(fiber, restart: :always)).to be_nil
      expect(fiber.await).to eq(:done)
    end
  end

  describe ':on_error' do
    it 'restarts after an error, and ends when all have ended normally' do
      fiber = worker
      boss = supervisor(fiber, restart: :on_error)
      started(fiber) << 'oops'
      started(fiber, 2) << :fine
      expect([boss.await, fiber.await]).to eq([nil, :fine])
      expect(log).to eq([:worker, [:worker, 'oops'], :worker, [:worker, :fine]])
    end

    it 'restarts after errors that are no StandardErrors' do
      runs = 0
      fiber = spin { (runs += 1) < 3 ? Polyphony.current.raise([NotImplementedError, Polyphony::Cancel][runs - 1]) : :fine }
      supervise(fiber, restart: :transient) {}
      expect([runs, fiber.await]).to eq([3, :fine])
    end

    it 'takes the errors of fibers that were spun elsewhere: their parent does not get them' do
      fiber = nil
      parent = waiting do
        fiber = worker
        suspend
      end
      boss = supervisor(fiber, restart: :on_error)
      started(fiber) << 'oops'
      started(fiber, 2)
      expect([parent.state, fiber.parent]).to eq([:waiting, parent])
      parent.stop
      expect(boss.await).to be_nil
      expect(fiber).not_to be_alive
    end
  end

  describe ':temporary' do
    it 'restarts nobody, and an error is told to the block only', :fifo do
      fibers = [worker(:a), worker(:b)]
      boss = supervisor(restart: :temporary) # its own children: none
      expect(boss.await).to be_nil
      boss = supervisor(*fibers, restart: :temporary)
      started(fibers[0]) << 'oops'
      wait_until { !fibers[0].alive? }
      started(fibers[1]) << :fine
      expect(boss.await).to be_nil
      expect(log.last(2)).to eq([[:a, 'oops'], %i[b fine]])
      expect(error_of { fibers[0].await }&.message).to eq('oops')
    end
  end

  describe 'something to call' do
    it 'is asked for each end, with the fiber and its result or error', :fifo do
      fibers = [worker(:a), worker(:b)]
      asked = []
      boss = supervisor(*fibers, restart: lambda { |fiber, outcome|
        asked << [fiber.tag, outcome.is_a?(Exception) ? outcome.class : outcome]
        fiber.tag == :a && outcome != :enough
      })
      started(fibers[0]) << 'oops'
      started(fibers[0], 2) << :enough
      wait_until { asked.size == 2 }
      started(fibers[1]) << :done
      expect(boss.await).to be_nil
      expect(asked).to eq([[:a, RuntimeError], %i[a enough], %i[b done]])
    end

    it 'may give :on_error; an error that it does not restart ends the supervision' do
      fibers = [worker(:a), worker(:b)]
      boss = supervisor(*fibers, restart: ->(fiber, _) { fiber.tag == :a ? :on_error : nil })
      started(fibers[0]) << 'oops'
      started(fibers[0], 2)
      started(fibers[1]) << 'fatal'
      expect(error_of { boss.await }&.message).to eq('fatal')
      expect(fibers.map(&:alive?)).to eq([false, false])
    end

    it 'ends the supervision when it raises or gives nonsense' do
      [-> { raise IOError }, -> { :nonsense }].each do |rule|
        fiber = worker
        boss = supervisor(fiber, restart: ->(*) { rule.call })
        fiber << :end
        expect(error_of { boss.await }).to be_a(IOError).or be_a(ArgumentError)
        expect(fiber).not_to be_alive
      end
    end
  end

  describe 'a restarted fiber' do
    it 'is the same, alive all the time; who awaits it gets the end of its last run' do
      fiber = worker
      awaiter = waiting { fiber.await }
      boss = supervisor(fiber, restart: :on_error, backoff: 60)
      started(fiber) << 'oops'
      wait_until { fiber.waiting_on&.include?('left') }
      expect([fiber.alive?, fiber.state, awaiter.alive?]).to eq([true, :waiting, true])
      expect(fiber.waiting_on).to match(/\Arestart, (59|60)\.\d s left\z/)
      fiber.restart
      started(fiber, 2) << :fine
      expect([awaiter.await, boss.await]).to eq([:fine, nil])
    end

    it 'has none of the messages that the failed run left, but those sent since' do
      seen = []
      fiber = spin(:worker) do
        seen << receive
        raise 'oops' if seen.size == 1
      end
      fiber << :first << :left_over
      supervise(fiber, restart: :on_error) { |_, outcome| fiber << :sent_meanwhile if outcome.is_a?(Exception) }
      expect(seen).to eq(%i[first sent_meanwhile])
    end

    it 'has none of the fiber-local variables of the failed run' do
      runs = []
      fiber = spin do
        runs << Thread.current[:left_over]
        Thread.current[:left_over] = true
        raise 'oops' if runs.size < 3
      end
      supervise(fiber, restart: :on_error) {}
      expect(runs).to eq([nil, nil, nil])
    end

    it 'has none of the children of the failed run' do
      children = []
      fiber = spin do
        children << spin { suspend }
        snooze
        raise 'oops' if children.size < 3
      end
      supervise(fiber, restart: :on_error) {}
      expect(children.map(&:alive?)).to eq([false] * 3)
    end

    it 'keeps its parent and its place there' do
      fibers = Array.new(3) { |i| worker(i) }
      boss = supervisor(*fibers, restart: :on_error)
      started(fibers[1]) << 'oops'
      started(fibers[1], 2)
      expect(Polyphony.current.children.take(3)).to eq(fibers)
      boss.stop
    end

    it 'gets what is raised in it between two runs when the next one begins' do
      fiber = worker
      boss = supervisor(fiber, restart: :on_error, backoff: 60)
      started(fiber) << 'one'
      wait_until { fiber.waiting_on&.start_with?('restart') }
      fiber.raise('two')
      settle
      expect(log.last).to eq([:worker, 'one'])
      fiber.restart
      wait_until { log.last == [:worker, 'two'] }
      boss.stop
    end
  end

  it 'never restarts who was stopped, at whatever point of a restart that was', :fifo do
    both = %i[one_for_one one_for_all].product([0, 0.0001], (0..12).to_a).map do |strategy, backoff, switches|
      runs = 0
      fiber = spin { runs += 1; receive; raise 'oops' }
      other = spin { suspend }
      boss = waiting { supervise(fiber, other, restart: :always, strategy: strategy, backoff: backoff) {} }
      fiber << :fail
      switches.times { snooze }
      fiber.stop(:enough)
      expect([strategy, switches, fiber.alive?]).to eq([strategy, switches, false])
      seen = runs
      5.times { snooze }
      boss.stop
      expect([strategy, switches, runs]).to eq([strategy, switches, seen])
      expect(error_of { fiber.await }&.message || fiber.result).to eq(:enough).or eq('oops')
      runs
    end
    expect(both).to include(1, 2)
  end

  it 'restarts one that had failed before, and tells of it' do
    runs = 0
    fiber = spin(:early) { (runs += 1) == 1 ? raise('early') : :fine }
    error_of { fiber.await }
    supervise(fiber, restart: :on_error) { |child, outcome| log << [child.tag, outcome.to_s] }
    expect([fiber.await, log]).to eq([:fine, [%w[early], %w[fine]].map { |text, *| [:early, text] }])
  end

  it 'restarts a fiber again and again, if nobody limits it' do
    runs = 0
    fiber = spin { raise 'oops' if (runs += 1) < 1000 }
    supervise(fiber, restart: :on_error, max_restarts: Float::INFINITY) {}
    expect(runs).to eq(1000)
  end

  it 'says errors that it answers with a restart, if there is no block to tell them to' do
    result = run_ruby(<<~RUBY)
      require 'polyphony'
      runs = 0
      fiber = spin(:flaky) { raise IOError, 'no luck' if (runs += 1) == 1 }
      supervise(restart: :on_error)
      puts runs
    RUBY
    expect([result.stdout, result.status.success?]).to eq(["2\n", true])
    expect(result.stderr).to match(/\Apolyphony: supervised #<Polyphony::Fiber :flaky .*failed: .*no luck \(IOError\)/)
    expect(result.stderr.scan('no luck').size).to eq(1)
  end
end
