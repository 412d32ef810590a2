# frozen_string_literal: true

require_relative '../support/fibers'

# Many generations, many siblings: no recursion over the tree, and no work that grows with the square of it.
RSpec.describe 'a large family', :fibers, unless: ENV['POLYPHONY_CALLS'] do # the checks of each call take too long
  # Spins a fiber in a fiber in a fiber…; the innermost runs the block.
  def generations(count, &block)
    return block.call if count.zero?

    spin { generations(count - 1, &block) }.await
  end

  # How often fibers were switched to in the block.
  def switches
    before = Polyphony.backend.stats[:switches]
    yield
    Polyphony.backend.stats[:switches] - before
  end

  it 'of 1,000 generations gives a result, and an error, from the innermost to the outermost' do
    expect(generations(1000) { :deep }).to eq(:deep)
    error = error_of { generations(1000) { raise 'deep' } }
    expect(error.message).to eq('deep')
    expect(error.backtrace.grep(/\Aspun at/).size).to be > 1000
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
  end

  it 'of 1,000 generations is stopped from the top: each when its child has ended' do
    top = spin do
      generations(1000) do
        log << :started
        suspend
      ensure
        log << :innermost
      end
    ensure
      log << :outermost
    end
    wait_until { log.delete(:started) }
    expect(switches { top.stop }).to be < 10_000
    expect(top).not_to be_alive
    expect(log).to eq(%i[outermost innermost])
  end

  it 'of 1,000 scopes within scopes ends as one' do
    nested = lambda do |count|
      Polyphony.scope { |s| count.zero? ? s.spin { raise 'deep' } : s.spin { nested.call(count - 1) } }
    end
    expect(error_of { nested.call(1000) }.message).to eq('deep')
  end

  it 'of 1,000 generations is left behind by a fork of the innermost' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      $stdout.sync = true
      deep = lambda do |count|
        return Process.wait(fork { puts Polyphony.current.parent.inspect }) if count.zero?
        Polyphony.spin { deep.call(count - 1) }.await
      end
      Polyphony.run { deep.call(1000); puts Polyphony.current.children.size }
    RUBY
    expect([out, err]).to eq(["nil\n0\n", ''])
  end

  it 'of 10,000 children is awaited, stopped and ended with its parent' do
    expect(Polyphony::Fiber.await(Array.new(10_000) { |i| spin { i } }).sum).to eq(49_995_000)
    fibers = Array.new(10_000) { spin { suspend } }
    settle
    expect(switches { fibers.each(&:stop) }).to be < 100_000
    parent = spin do
      10_000.times do
        spin do
          suspend
        ensure
          log << 1
        end
      end
      settle
    end
    expect(switches { parent.await }).to be < 100_000
    expect(log.sum).to eq(10_000)
  end

  it 'of 10,000 awaiters and stoppers of one fiber wakes each once' do
    fiber = waiting { receive }
    awaiters = Array.new(5000) { spin { fiber.await } }
    settle
    fiber << :all
    expect(awaiters.map(&:await).uniq).to eq([:all])
    slow = waiting do
      suspend
    ensure
      receive
    end
    stoppers = Array.new(5000) { spin { slow.stop } }
    settle
    slow << :end
    expect(switches { Polyphony::Fiber.await(stoppers) }).to be < 50_000
  end

  it 'of 10,000 failing children at once: the scope raises the first, and keeps the others' do
    failing = -> { begin; suspend; ensure; raise 'at its end'; end }
    error = error_of { Polyphony.scope { |s| 10_000.times { s.spin(&failing) }; settle; s.stop } }
    expect([error.message, Polyphony.suppressed(error).size]).to eq(['at its end', 9999])
  end
end
