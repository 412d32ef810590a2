# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony.suppressed', :fibers do
  def suppressed(error) = Polyphony.suppressed(error)

  def later_errors = Array.new(4) { error_of { snooze } }.compact

  # Fibers of the calling fiber that wait, and then fail in their ensure blocks.
  def failing_at_end(*messages)
    messages.map do |message|
      waiting do
        suspend
      ensure
        order << message
        raise message
      end
    end
  end

  # Messages of errors in the order they were raised at the ends of fibers.
  def order
    @order ||= []
  end

  it 'is empty for an error that came alone, and takes errors only' do
    expect(suppressed(RuntimeError.new)).to eq([])
    [nil, 'text', RuntimeError].each { |wrong| expect(error_of { suppressed(wrong) }).to be_a(TypeError) }
  end

  it 'gives the errors that children failed with while their parent failed, in order' do
    parent = spin do
      failing_at_end('second', 'third')
      raise 'first'
    end
    first = error_of { parent.await }
    expect([first.message, suppressed(first).map(&:message), order.sort]).to eq(['first', order, %w[second third]])
    expect(later_errors).to be_empty
  end

  it 'is of the first of them when the parent itself has not failed' do
    { done: -> {}, stopped: -> { Polyphony.current.stop } }.each do |how, ending|
      parent = spin { failing_at_end('a', 'b', how.to_s); ending.call }
      first = error_of { parent.await }
      expect([first, *suppressed(first)].map(&:message)).to eq(order)
      expect(order).to contain_exactly('a', 'b', how.to_s)
      order.clear
    end
    expect(later_errors).to be_empty
  end

  it 'is of the one that ends the fiber: an error that was rescued has none, and the next one is raised' do
    error = nil
    parent = spin do
      2.times { |i| spin { order << "child #{i}"; raise "child #{i}" } }
      error = error_of { suspend }
      suspend
    end
    last = error_of { parent.await }
    expect([error.message, last.message, suppressed(error), suppressed(last)]).to eq([*order, [], []])
  end

  it 'gathers on the way up: each error has those of its own fiber' do
    top = spin do
      failing_at_end('beside top')
      spin do
        failing_at_end('beside inner')
        raise 'first'
      end
      suspend
    end
    first = error_of { top.await }
    expect([first.message, suppressed(first).map(&:message)]).to eq(['first', ['beside inner', 'beside top']])
  end

  it 'may have errors that have suppressed errors' do
    parent = spin do
      waiting do
        failing_at_end('beside child')
        suspend
      ensure
        raise 'child'
      end
      raise 'first'
    end
    first = error_of { parent.await }
    expect(suppressed(first).map(&:message)).to eq(['child'])
    expect(suppressed(suppressed(first).first).map(&:message)).to eq(['beside child'])
  end

  it 'has what is raised in a fiber that has nothing left to wait for' do
    fiber = spin do
      Polyphony.shield { log << :shielded; receive }
      raise 'own'
    end
    wait_until { log.any? }
    fiber.raise('one').raise(IOError, 'two')
    fiber << :on
    own = error_of { fiber.await }
    expect([own.message, suppressed(own).map(&:message)]).to eq(['own', %w[one two]])
  end

  it 'has no error twice, nor one that the error was caused by' do
    error = IOError.new('one')
    parent = spin do
      children = Array.new(2) { waiting { suspend } }
      children.each { |child| child.raise(error) }
      begin
        suspend
      rescue IOError
        raise 'wrapped'
      end
    end
    wrapped = error_of { parent.await }
    expect([wrapped.message, wrapped.cause, suppressed(wrapped)]).to eq(['wrapped', error, []])
  end

  it 'loses none that came to an error on a second way, when the first had brought it already' do
    failing = spin { receive; raise IOError, 'first' }
    sibling = spin do
      failing_at_end('second')
      Polyphony.shield { receive } # is told later than this fiber
      failing.await
    end
    settle
    failing << :fail
    first = error_of { suspend }
    expect([first.message, sibling.alive?, suppressed(first)]).to eq(['first', true, []])
    sibling << :go_on
    second = error_of { suspend }
    expect([second.message, sibling.alive?, suppressed(second), suppressed(first)]).to eq(['second', false, [], [second]])
    expect(later_errors).to be_empty
  end

  it 'is not in danger when it is changed by who asked' do
    parent = spin { failing_at_end('second'); raise 'first' }
    first = error_of { parent.await }
    suppressed(first).clear
    expect(suppressed(first).size).to eq(1)
  end

  it 'holds ten thousand', unless: ENV['POLYPHONY_CALLS'] do
    parent = spin do
      10_000.times do |i|
        spin do
          suspend
        ensure
          order << i.to_s
          raise i.to_s
        end
      end
      settle
      raise 'first'
    end
    expect(suppressed(error_of { parent.await }).map(&:message)).to eq(order)
    expect(order.size).to eq(10_000)
  end

  it 'cannot be kept with a frozen error: it is printed' do
    parent = spin do
      failing_at_end('second')
      raise RuntimeError.new('frozen').freeze
    end
    expect { error_of { parent.await } }.to output(/was ending when this came.*second/m).to_stderr
  end

  it 'goes with the error to other threads, and survives Marshal' do
    parent = spin { failing_at_end('second'); raise 'first' }
    thread = Thread.new { error_of { parent.await } }
    error_of { parent.await }
    expect(suppressed(Marshal.load(Marshal.dump(thread.value))).map(&:message)).to eq(['second'])
  end

  describe 'of Fiber.await, Fiber.select and supervise' do
    it 'has the errors of the others, which were stopped' do
      raised = [
        error_of { Polyphony::Fiber.await(*failing_at_end('b', 'c'), spin { raise 'a' }) },
        error_of { Polyphony::Fiber.select(*failing_at_end('b', 'c'), spin { raise 'a' }, stop_others: true) },
        error_of { failing_at_end('b', 'c'); spin { raise 'a' }; supervise }
      ]
      expect(raised.map(&:message)).to eq(%w[a a a])
      expect(raised.map { |error| suppressed(error).map(&:message).sort }).to eq([%w[b c]] * 3)
      expect(later_errors).to be_empty
    end

    it 'has that of one which failed at the same time' do
      failing = %w[a b].map { |name| waiting { receive; raise name } }
      failing.each { |one| one << :fail }
      raised = error_of { Polyphony::Fiber.await(*failing) }
      expect([raised, *suppressed(raised)].map(&:message)).to contain_exactly('a', 'b')
      expect(later_errors).to be_empty
    end

    it 'has what came from outside meanwhile; a stop is not held up by it' do
      slow = waiting do
        suspend
      ensure
        receive
      end
      awaiter = waiting do
        Polyphony::Fiber.await(slow, spin { raise 'a' })
      rescue StandardError
        log << :swallowed
        suspend
      end
      wait_until { slow.waiting_on == 'receive' }
      awaiter.raise(IOError, 'outside')
      stopper = waiting { awaiter.stop }
      settle
      slow << :end
      error = error_of { awaiter.await }
      expect([error.message, suppressed(error).map(&:message), log]).to eq(['a', ['outside'], []])
      stopper.await
    end

    it 'goes before the time limit that stopped them' do
      raised = error_of { move_on_after(0.001) { failing_at_end('child'); supervise } }
      expect(raised&.message).to eq('child')
      expect(later_errors).to be_empty
    end
  end

  describe 'at the end of the program' do
    def program(code)
      run_ruby("require 'polyphony/core'\n#{code}")
    end

    it 'is printed, a line for each error, beside what Ruby prints of the first' do
      out, err, status = program(<<~RUBY)
        Polyphony.run do
          2.times do |i|
            Polyphony.spin do
              Polyphony.suspend
            ensure
              raise IOError, "closing \#{i}"
            end
          end
          Polyphony::Scheduler.wait_all_blocked
          raise 'first'
        end
      RUBY
      expect([out, status.exitstatus]).to eq(['', 1])
      expect(err.scan(/^polyphony: suppressed by first \(RuntimeError\): .*rb:7:in .*: closing (\d) \(IOError\)$/)).to contain_exactly(['0'], ['1'])
      expect(err.scan('first (RuntimeError)').size).to eq(3)
    end

    it 'is printed of what was the cause, too, and of what is suppressed itself' do
      _, err, = program(<<~RUBY)
        nest = lambda do |level|
          Polyphony.spin do
            nest.call(level - 1) if level > 1
            Polyphony.suspend
          ensure
            raise "level \#{level}"
          end
        end
        Polyphony.run do
          Polyphony.spin { nest.call(3); Polyphony::Scheduler.wait_all_blocked; raise 'first' }.await
        rescue RuntimeError
          raise IOError, 'wrapped'
        end
      RUBY
      expect(err).to match(/^polyphony: suppressed by first \(RuntimeError\): .*: level 3 \(RuntimeError\)\n/)
      expect(err).to match(/^polyphony: suppressed by level 3 \(RuntimeError\): .*: level 2 \(RuntimeError\)\n/)
      expect(err).to match(/^polyphony: suppressed by level 2 \(RuntimeError\): .*: level 1 \(RuntimeError\)\n/)
    end

    it 'is printed for exit, too, but not for an error that was rescued' do
      _, err, status = program(<<~RUBY)
        failing = -> { Polyphony.spin { begin; Polyphony.suspend; ensure; raise 'closing'; end }; Polyphony::Scheduler.wait_all_blocked }
        Polyphony.run { failing.call; raise 'rescued' } rescue nil
        Polyphony.run { failing.call; exit 4 }
      RUBY
      expect(status.exitstatus).to eq(4)
      expect(err.lines.size).to eq(1)
      expect(err).to match(/\Apolyphony: suppressed by exit \(SystemExit\): .*: closing \(RuntimeError\)$/)
    end

    it 'is printed with an error that ends a thread, if Ruby prints that' do
      [true, false].each do |report|
        out, err, = program(<<~RUBY)
          thread = Polyphony::Thread.new do
            Thread.current.report_on_exception = #{report}
            Polyphony.spin { begin; Polyphony.suspend; ensure; raise 'closing'; end }
            Polyphony::Scheduler.wait_all_blocked
            raise 'first'
          end
          puts thread.value rescue puts Polyphony.suppressed($!).inspect
        RUBY
        expect(out).to eq("[#<RuntimeError: closing>]\n")
        expect(err.scan(/^polyphony: suppressed by first \(RuntimeError\): .*closing/).size).to eq(report ? 1 : 0)
        expect(err.scan('terminated with exception').size).to eq(report ? 1 : 0)
      end
    end

    it 'is cut after a hundred lines' do
      _, err, = program(<<~RUBY)
        Polyphony.run do
          150.times { |i| Polyphony.spin { begin; Polyphony.suspend; ensure; raise i.to_s; end } }
          Polyphony::Scheduler.wait_all_blocked
          raise 'first'
        end
      RUBY
      expect(err.scan(/^polyphony: suppressed by/).size).to eq(100)
      expect(err).to include("polyphony: and 50 more\n")
    end
  end
end
