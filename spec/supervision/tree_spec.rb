# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Trees of supervisors', :fibers do
  def failing_worker(tag, failures)
    spin(tag) do
      log << tag
      receive if failures.zero?
      failures -= 1
      raise "#{tag} failed"
    end
  end

  it 'an inner supervisor that gives up is an ordinary failure for the outer: its children begin anew', :fifo do
    inner_runs = 0
    stable = nil
    inner = spin(:inner) do
      inner_runs += 1
      stable = spin(:stable) { log << :stable; suspend }
      spin(:flaky) { snooze; inner_runs < 3 ? raise('flaky') : receive }
      supervise(restart: :on_error, max_restarts: 2) {}
    end
    told = []
    outer = waiting { supervise(inner, restart: :on_error, max_restarts: 2) { |_, outcome| told << outcome } }
    wait_until { inner_runs == 3 && stable.state == :waiting }
    expect(told.map(&:class)).to eq([Polyphony::RestartLimit] * 2)
    expect(told.map { |error| error.cause.message }).to eq(%w[flaky flaky])
    expect(log).to eq(%i[stable] * 3)
    expect(inner.children.map(&:tag)).to eq(%i[stable flaky])
    outer.stop
    expect([inner.alive?, stable.alive?]).to eq([false, false])
  end

  it 'gives up level by level, and the innermost error is the cause of the causes' do
    level = lambda do |depth|
      spin(depth) do
        depth.zero? ? snooze : level[depth - 1]
        raise 'innermost' if depth.zero?

        supervise(restart: :on_error, max_restarts: 1) {}
      ensure
        log << depth
      end
    end
    level[3]
    error = error_of { supervise }
    chain = []
    while error
      chain << error.class
      error = error.cause
    end
    expect(chain).to eq([Polyphony::RestartLimit] * 3 + [RuntimeError])
    expect(log.tally).to eq(0 => 8, 1 => 4, 2 => 2, 3 => 1)
  end

  it 'supervises children that are spun meanwhile, by the block too' do
    runs = Hash.new(0)
    job = lambda do |tag|
      -> { snooze; (runs[tag] += 1) == 1 ? raise(tag.to_s) : tag }
    end
    boss = spin do
      spin(:first, &job[:first])
      supervise(restart: :on_error) do |fiber, outcome|
        spin(:second, &job[:second]) if fiber.tag == :first && outcome == :first
      end
    end
    boss.await
    expect(runs).to eq(first: 2, second: 2)
  end

  it 'supervises children that others spin into the supervisor; forever: waits for them' do
    boss = waiting { supervise(restart: :on_error, forever: true) { |fiber, outcome| log << [fiber.tag, outcome.to_s] } }
    runs = 0
    worker = boss.spin(:late) { (runs += 1) == 1 ? raise('oops') : :fine }
    expect(worker.parent).to equal(boss)
    expect(worker.await).to eq(:fine)
    settle
    expect(log).to eq([[:late, 'oops'], [:late, 'fine']])
    expect(boss.waiting_on).to eq('supervise')
    waiter = boss.spin { suspend }
    boss.stop
    expect([waiter.alive?, error_of { boss.spin {} }.class]).to eq([false, Polyphony::DeadFiber])
  end

  it 'stops at once what is spun into it while it ends', :fifo do
    boss = waiting do
      spin do
        suspend
      ensure
        receive
      end
      supervise(restart: :always)
    end
    child = boss.children.first
    settle
    stopper = waiting { boss.stop }
    settle
    late = boss.spin { log << :never }
    child << :end
    stopper.await
    expect([late.alive?, log]).to eq([false, []])
  end

  it 'supervises 10,000 children, and each end takes the same time' do
    count = 10_000
    done = 0
    boss = spin do
      count.times { |i| spin { receive; i.even? ? raise('oops') : done += 1 } }
      supervise(restart: :temporary) { |_, outcome| done += 1 if outcome.is_a?(Exception) }
    end
    wait_until { boss.waiting_on == 'supervise' }
    children = boss.children
    scans = scans_of_children { children.each { |child| child << :go }; boss.await }
    expect([done, scans]).to match([count, be <= 2])
  end

  # How often the list of all children is gone through.
  def scans_of_children
    scans = 0
    TracePoint.new(:call) do |point|
      scans += 1 if %i[group_of alive? end_in_turn].include?(point.method_id) && point.path.include?('supervisor')
    end.enable { yield }
    scans
  end

  it 'restarts 3,000 children of one_for_all in one go' do
    runs = 0
    boss = waiting do
      3000.times { |i| spin(i) { runs += 1; receive; raise 'oops' } }
      supervise(restart: :on_error, strategy: :one_for_all, max_restarts: 2) {}
    end
    wait_until { runs == 3000 }
    boss.children[1500] << :fail
    wait_until { runs == 6000 }
    boss.stop
    expect(boss.children).to be_empty
  end

  describe 'fibers that cannot be supervised' do
    it 'are those that are supervised already' do
      fiber = spin { suspend }
      boss = waiting { supervise(fiber, restart: :always) }
      expect(error_of { supervise(fiber) }&.message).to include('supervised already')
      expect(fiber).to be_alive
      boss.stop
    end

    it 'are the supervisor and those above it' do
      me = Polyphony.current
      [nil, :always].each do |restart|
        expect(error_of { supervise(me, restart: restart) }).to be_a(Polyphony::Error)
        expect(spin { error_of { supervise(me, restart: restart) } }.await).to be_a(Polyphony::Error)
      end
    end

    it 'are, with restarts, those that have no block to run again' do
      thread = Thread.new { Polyphony.current.tap { |root| Thread.current[:root] = root } && Thread.stop }
      wait_until { thread[:root] }
      expect(error_of { supervise(thread[:root], restart: :always) }&.message).to include('not started by spin')
    ensure
      thread.kill.join
    end

    it 'are none of the fibers that are named beside them' do
      fiber = spin { suspend }
      expect(error_of { supervise(fiber, Polyphony.current, restart: :always) }).to be_a(Polyphony::Error)
      expect(error_of { supervise(fiber, 1) }).to be_a(TypeError)
      expect(fiber).to be_alive
      fiber.stop
    end
  end

  it 'leaves the fibers of a scope to the scope' do
    Polyphony.scope do |scope|
      inner = scope.spin { suspend }
      expect(supervise).to be_nil
      expect(inner).to be_alive
      scope.stop
    end
  end

  it 'supervises fibers of a scope that are named' do
    runs = 0
    Polyphony.scope do |scope|
      fiber = scope.spin { snooze; (runs += 1) == 1 ? raise('oops') : :fine }
      supervise(fiber, restart: :on_error) {}
      expect(fiber.await).to eq(:fine)
    end
    expect(runs).to eq(2)
  end

  it 'may be nested in one fiber, for other fibers' do
    mine, other = Array.new(2) { spin { receive } }
    mine << 1
    supervise(mine, restart: :on_error) do
      other << 1
      supervise(other, restart: :on_error) { |fiber, _| log << fiber }
      log << :outer
    end
    expect(log).to eq([other, :outer])
    child = spin { snooze }
    expect(error_of { supervise(restart: :on_error) { supervise(restart: :on_error) } }&.message).to include('already')
    expect(child).not_to be_alive
  end

  it 'can fork in the block: the child process has no fiber to supervise' do
    result = run_ruby(<<~RUBY)
      require 'polyphony'
      $stdout.sync = true
      spin { sleep 0.001 }
      spin { suspend }
      supervise(restart: :on_error) do |fiber, _|
        pid = fork { puts 'child' }
        Process.wait(pid)
        puts $?.success?
        break
      end
    RUBY
    expect([result.stdout, result.stderr]).to eq(["child\ntrue\n", ''])
  end

  it 'can be forked from a supervised fiber: the child process ends when its block does' do
    result = run_ruby(<<~RUBY)
      require 'polyphony'
      $stdout.sync = true
      spin do
        unless pid = fork
          sleep 0.001
          puts 'child'
          raise 'in the child only'
        end
        puts Process.wait2(pid).last.exitstatus
      end
      supervise(restart: :on_error)
      puts 'parent'
    RUBY
    expect(result.stdout).to eq("child\n1\nparent\n")
    expect(result.stderr.scan('in the child only').size).to eq(1)
  end
end
