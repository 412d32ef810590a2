# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'supervise with strategy:', :fibers do
  let(:workers) { %i[a b c d].map { |tag| worker(tag) } }

  # Notes when a run begins and ends; the end takes a few switches, so that an order is one.
  def worker(tag)
    spin(tag) do
      log << "#{tag}+"
      receive.tap { |order| raise order if order.is_a?(String) }
    ensure
      2.times { snooze } unless $!.is_a?(RuntimeError) # which a stop meanwhile would take the place of
      log << "#{tag}-"
    end
  end

  def supervisor(strategy, **options, &block)
    fibers = workers
    waiting { supervise(*fibers, restart: :on_error, strategy: strategy, **options, &(block || ->(*) {})) }
      .tap { settled }
  end

  def settled
    wait_until { workers.all? { |fiber| !fiber.alive? || fiber.waiting_on == 'receive' } }
  end

  # @return [Array<String>] what happens when one fails
  def failing(index)
    settle
    log.clear
    workers[index] << 'oops'
    wait_until { log.include?("#{workers[index].tag}+") }
    settled
    log
  end

  it ':one_for_one restarts the one that failed' do
    boss = supervisor(:one_for_one)
    expect(failing(1)).to eq(%w[b- b+])
    boss.stop
  end

  it ':one_for_all stops all in reverse order, then restarts them in order', :fifo do
    boss = supervisor(:one_for_all)
    expect(failing(1)).to eq(%w[b- d- c- a- a+ b+ c+ d+])
    boss.stop
  end

  it ':rest_for_one does so with the one that failed and those after it', :fifo do
    boss = supervisor(:rest_for_one)
    expect(failing(1)).to eq(%w[b- d- c- b+ c+ d+])
    expect(failing(3)).to eq(%w[d- d+])
    expect(failing(0)).to eq(%w[a- d- c- b- a+ b+ c+ d+])
    boss.stop
  end

  it 'takes children in the order they were spun', :fifo do
    boss = waiting do
      workers
      supervise(restart: :on_error, strategy: :rest_for_one) {}
    end
    settled
    expect(failing(2)).to eq(%w[c- d- c+ d+])
    boss.stop
  end

  it 'leaves out those that have ended for good', :fifo do
    boss = supervisor(:one_for_all)
    workers[2] << :done
    workers[3].stop
    expect(failing(0)).to eq(%w[a- b- a+ b+])
    boss.stop
  end

  it 'the fibers keep their order over restarts', :fifo do
    boss = supervisor(:rest_for_one)
    failing(0)
    expect(failing(1)).to eq(%w[b- d- c- b+ c+ d+])
    boss.stop
  end

  it 'restarts once when several fail together, and tells of each', :fifo do
    told = []
    boss = supervisor(:one_for_all, max_restarts: 1) { |fiber, outcome| told << [fiber.tag, outcome.to_s] }
    workers[0] << 'one'
    workers[2] << 'two'
    workers[3] << 'three'
    wait_until { told.size == 3 && log.last == 'd+' }
    expect(log.last(4)).to eq(%w[a+ b+ c+ d+])
    expect(told).to match_array([[:a, 'one'], [:c, 'two'], [:d, 'three']])
    settle
    expect(boss).to be_alive
    boss.stop
  end

  it 'does not restart one that is stopped by somebody while it unwinds for the others', :fifo do
    boss = supervisor(:one_for_all)
    log.clear
    workers[0] << 'oops'
    wait_until { log.include?('a-') }
    stopper = waiting { workers[3].stop(:enough) }
    wait_until { log.include?('c+') }
    settled
    stopper.await
    expect([workers.map(&:alive?), workers[3].await]).to eq([[true, true, true, false], :enough])
    expect(log).to eq(%w[a- d- c- b- a+ b+ c+])
    boss.stop
  end

  it 'restarts one for the others, in order, that was restarted by hand while it unwinds', :fifo do
    boss = supervisor(:one_for_all)
    log.clear
    workers[1] << 'oops'
    wait_until { log.include?('b-') }
    workers[3].restart
    wait_until { log.include?('d+') }
    settled
    expect(log).to eq(%w[b- d- c- a- a+ b+ c+ d+])
    boss.stop
  end

  it 'tells of errors in the ensure blocks of those it stops, and restarts them as well', :fifo do
    told = []
    runs = 0
    first = spin(:first) { receive.then { raise 'oops' } if (runs += 1) == 1 }
    second = spin(:second) do
      suspend if runs < 2
    ensure
      raise 'unwinding' if runs < 2
    end
    boss = waiting do
      supervise(first, second, restart: :on_error, strategy: :one_for_all, max_restarts: 1) { |_, outcome| told << outcome&.message }
    end
    wait_until { second.state == :waiting }
    first << :go
    expect(boss.await).to be_nil
    expect(told).to match_array(['oops', 'unwinding', nil, nil])
  end

  it 'waits for the backoff with all of them stopped; a stop of one is not undone by it' do
    boss = supervisor(:rest_for_one, backoff: 60)
    log.clear
    workers[1] << 'oops'
    wait_until { boss.waiting_on&.include?('left') }
    expect(log).to eq(%w[b- d- c-])
    expect(workers.map(&:alive?)).to eq([true] * 4)
    workers[2].stop
    workers[0] << 'oops'
    wait_until { log.last == 'a-' && boss.waiting_on&.include?('left') }
    expect(workers.map(&:waiting_on)).to eq(['restart', 'restart', nil, 'restart'])
    boss.stop
    expect([workers.map(&:alive?), log]).to eq([[false] * 4, %w[b- d- c- a-]])
  end

  it 'restarts them in order when the backoff is over', :fifo do
    boss = supervisor(:one_for_all, backoff: 0.01)
    expect(failing(2)).to eq(%w[c- d- b- a- a+ b+ c+ d+])
    boss.stop
  end

  it 'goes on with the rest when the one that failed is stopped in the backoff', :fifo do
    boss = supervisor(:one_for_all, backoff: 60)
    log.clear
    clock = Polyphony::Scheduler.current
    clock.virtual_clock = 600 # it stands still until told
    workers[0] << 'oops'
    wait_until { boss.waiting_on&.include?('left') }
    workers[0].stop
    clock.advance(60)
    wait_until { log.include?('d+') }
    expect(log).to eq(%w[a- d- c- b- b+ c+ d+])
    boss.stop
  ensure
    clock.virtual_clock = nil
  end

  describe 'shutdown:' do
    def stubborn(tag)
      spin(tag) do
        log << "#{tag}+"
        receive.tap { |order| raise order if order.is_a?(String) }
      ensure
        begin
          suspend unless log.count("#{tag}+") > 1
        ensure
          log << "#{tag}-"
        end
      end
    end

    it 'cuts what ensure blocks wait for when it is over', :fifo do
      fibers = [worker(:a), stubborn(:b)]
      boss = waiting { supervise(*fibers, restart: :on_error, strategy: :one_for_all, shutdown: 0) {} }
      wait_until { log.size == 2 }
      fibers[0] << 'oops'
      wait_until { log.size == 6 }
      expect(log.last(4)).to eq(%w[a- b- a+ b+])
      boss.stop
    end

    it 'holds for the end of the supervision, too' do
      fiber = stubborn(:a)
      settle
      boss = waiting { supervise(fiber, restart: :on_error, shutdown: 0.01) {} }
      boss.stop
      expect(log).to eq(%w[a+ a-])
    end

    it 'waits without it' do
      fiber = stubborn(:a)
      settle
      boss = waiting { supervise(fiber, restart: :on_error) {} }
      stopper = waiting { boss.stop }
      expect(fiber).to be_alive
      fiber.stop(now: true)
      stopper.await
      expect(boss).not_to be_alive
    end
  end
end
