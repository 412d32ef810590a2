# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony.scope', :fibers do
  def scope(...) = Polyphony.scope(...)

  # Errors raised in the next waits: there should be none that came before.
  def later_errors = Array.new(4) { error_of { snooze } }.compact

  # A block for a fiber that waits, and then fails in its ensure block.
  def failing_at_end(message)
    proc do
      suspend
    ensure
      log << message
      raise message
    end
  end

  describe 'without errors' do
    it 'runs its block in the calling fiber and gives its value' do
      me = Polyphony.current
      expect(scope { |s| [s.class, Polyphony.current.equal?(me)] }).to eq([Polyphony::Scope, true])
      expect(error_of { scope }).to be_a(ArgumentError)
    end

    it 'waits for its own fibers only, those spun by them and by others meanwhile too' do
      other = waiting { receive }
      scope do |s|
        s.spin do
          s.spin { snooze; log << :spun_by_child }
          log << :child
        end
        spin { s.spin { receive(timeout: 0) rescue log << :spun_by_other } }.await
        log << :block
      end
      expect(log).to contain_exactly(:block, :child, :spun_by_child, :spun_by_other)
      expect(other).to be_alive
      other << :end
      other.await
    end

    it 'makes its fibers children of the fiber that opened it, whoever spins' do
      me = Polyphony.current
      scope do |s|
        child = s.spin(:tagged) { receive }
        spin { s.spin { log << Polyphony.current.parent; child << :go } }
        expect([child.parent, child.tag, s.children, me.children.include?(child)]).to eq([me, :tagged, [child], true])
      end
      expect(log).to eq([me])
      expect(me.children.select { |one| one.tag == :tagged }).to be_empty
    end

    it 'lets work outlive the method and the fiber that started it' do
      start = ->(s) { s.spin { receive } }
      scope do |s|
        work = spin { start.call(s) }.await
        expect(work).to be_alive
        work << :done
        expect(work.await).to eq(:done)
      end
    end

    it 'waits when its block is left by return, break, next or throw, too' do
      returning = lambda { |how|
        catch(:out) do
          scope do |s|
            s.spin { 2.times { snooze }; log << how }
            case how
            when :break then break how
            when :next then next how
            when :return then return how
            else throw :out, how
            end
          end
        end
      }
      results = %i[break next return throw].map { |how| returning.call(how) }
      expect([results, log]).to eq([%i[break next return throw]] * 2)
    end

    it 'nests: the inner one waits for its own' do
      outer_child = nil
      scope do |outer|
        outer_child = outer.spin { receive; log << :outer }
        scope { |inner| inner.spin { snooze; log << :inner } }
        expect(outer_child).to be_alive
        outer_child << 1
      end
      expect(log).to eq(%i[inner outer])
    end

    it 'works on a blocking root, and in an Enumerator' do
      value = Thread.new { scope { |s| s.spin { sleep 0; :from_thread }.await } }.value
      expect(value).to eq(:from_thread)
      expect(Enumerator.new { |y| y << scope { |s| s.spin { snooze; 1 }.await } }.next).to eq(1)
    end

    it 'is not waited for by supervise, which is for the other children' do
      spin { log << :child }
      scope do |s|
        mine = s.spin { receive }
        supervise
        log << mine.alive?
        mine << 1
      end
      expect(log).to eq([:child, true])
    end

    it 'is a point where the fiber can be stopped, even with nothing to wait for' do
      looping = spin { loop { scope {} } }
      snooze
      looping.stop
      expect(looping).not_to be_alive
    end
  end

  describe 'when one of its fibers fails' do
    it 'stops the others and the block, waits for them, and raises the error once' do
      error = IOError.new('first')
      raised = error_of do
        scope do |s|
          s.spin do
            suspend
          ensure
            snooze
            log << :other
          end
          s.spin { settle; raise error }
          begin
            suspend
          ensure
            snooze
            log << :block
          end
        end
      end
      expect(raised).to equal(error)
      expect(log).to contain_exactly(:other, :block)
      expect(later_errors).to be_empty
    end

    it 'lets no rescue in the block see the error, but the one around the scope' do
      raised = error_of do
        scope do |s|
          s.spin { raise 'child' }
          begin
            suspend
          rescue StandardError
            log << :swallowed
          end
        end
      end
      expect([raised.message, log]).to eq(['child', []])
    end

    it 'raises it after a block that was through already' do
      expect(error_of { scope { |s| s.spin { snooze; raise 'late' } } }.message).to eq('late')
      expect(error_of { scope { |s| s.spin { raise 'while the block ran' }; :no_wait } }.message).to eq('while the block ran')
    end

    it 'raises it in the block when that awaits the fiber; rescued there, the scope goes on' do
      value = scope do |s|
        other = s.spin { receive }
        failing = s.spin { raise IOError }
        log << error_of { failing.await }.class
        other << :still
        other.await
      end
      expect([value, log]).to eq([:still, [IOError]])
      expect(later_errors).to be_empty
    end

    it 'is not lost when the block leaves that await for another reason' do
      raised = error_of do
        scope do |s|
          failing = s.spin { receive; raise IOError }
          Polyphony.move_on_after(0) { failing.await }
          failing << 1
          suspend
        end
      end
      expect(raised).to be_a(IOError)
    end

    it 'raises the first of several errors, and keeps the others with it, in order' do
      first = error_of do
        scope do |s|
          s.spin(&failing_at_end('second'))
          s.spin(&failing_at_end('third'))
          s.spin { settle; raise 'first' }
          suspend
        end
      end
      expect(first.message).to eq('first')
      expect(log).to contain_exactly('second', 'third')
      expect(Polyphony.suppressed(first).map(&:message)).to eq(log)
      expect(later_errors).to be_empty
    end

    it 'raises an error once that a sibling passed on' do
      error = IOError.new
      raised = error_of do
        scope do |s|
          failing = s.spin { settle; raise error }
          s.spin { failing.await }
          suspend
        end
      end
      expect([raised, Polyphony.suppressed(raised)]).to eq([error, []])
      expect(later_errors).to be_empty
    end

    it 'stops the others at once, also while the block is shielded or waits in an ensure block' do
      me = Polyphony.current
      error_of do
        scope do |s|
          s.spin do
            suspend
          ensure
            me << :stopped
          end
          s.spin { settle; raise 'end' }
          Polyphony.shield { log << receive }
        end
      end
      expect(log).to eq([:stopped])
    end

    it 'gives its error to the parent of the fiber once, although another child passes it on, too' do
      error = IOError.new
      parent = spin do
        child = nil
        spin { scope { |s| child = s.spin { receive; raise error } } }
        settle
        waiting { child.await }
        child << :fail
        log << error_of { suspend }
        log.concat(later_errors)
      end
      parent.await
      expect(log).to eq([error])
    end

    it 'stops a fiber that is spun into it while it ends, before it runs' do
      error_of do
        scope do |s|
          s.spin do
            suspend
          ensure
            s.spin { log << :ran }
            snooze
          end
          s.spin { settle; raise 'end' }
          suspend
        end
      end
      expect(log).to be_empty
    end
  end

  describe 'when its block ends otherwise' do
    it 'by an error: stops the fibers, waits for them, and raises it; their errors are suppressed ones' do
      raised = error_of do
        scope do |s|
          s.spin(&failing_at_end('child'))
          settle
          raise IOError, 'block'
        end
      end
      expect([raised.message, Polyphony.suppressed(raised).map(&:message)]).to eq(['block', ['child']])
      expect(later_errors).to be_empty
    end

    it 'by a stop of the fiber: stops the fibers first' do
      fiber = waiting do
        scope do |s|
          s.spin do
            suspend
          ensure
            snooze
            log << :child
          end
          suspend
        end
      ensure
        log << :fiber
      end
      settle
      expect(fiber.stop(:value).await).to eq(:value)
      expect(log).to eq(%i[child fiber])
    end

    it 'by a stop while it waits for its fibers, too' do
      fiber = waiting { scope { |s| s.spin { suspend } } }
      wait_until { fiber.waiting_on&.start_with?('the end of scope') }
      fiber.stop
      expect(fiber).not_to be_alive
    end

    it 'by a stop, an error of a fiber does not undo the stop, whoever rescues errors, and is the fiber\'s at its end' do
      fiber = waiting do
        scope { |s| s.spin(&failing_at_end('child')); suspend }
      rescue StandardError
        log << :swallowed
        suspend
      end
      wait_until { fiber.children.first.state == :waiting }
      expect(error_of { fiber.stop }.message).to eq('child')
      expect([log, fiber.alive?]).to eq([['child'], false])
      expect(later_errors).to be_empty
    end

    it 'by stop(now: true): cuts ensure blocks of the fibers, too' do
      fiber = waiting do
        scope do |s|
          s.spin do
            suspend
          ensure
            log << :ensure
            suspend
          end
          suspend
        end
      end
      wait_until { fiber.children.first.state == :waiting }
      first = waiting { fiber.stop }
      wait_until { log.any? }
      fiber.stop(now: true)
      first.await
      expect(fiber).not_to be_alive
    end

    it 'by a time limit around it: stops the fibers, then goes on after the limit' do
      result = move_on_after(0.001, with_value: :late) do
        scope do |s|
          s.spin do
            suspend
          ensure
            snooze
            log << :ended
          end
          suspend
        end
      end
      expect([result, log]).to eq([:late, [:ended]])
    end

    it 'by a time limit, but an error of a fiber goes before it' do
      raised = error_of { move_on_after(0.001) { scope { |s| s.spin(&failing_at_end('child')); suspend } } }
      expect(raised&.message).to eq('child')
    end

    it 'by an error of another child of the fiber: as by any' do
      raised = error_of do
        scope do |s|
          s.spin { suspend }
          spin { raise IOError }
          suspend
        end
      end
      expect(raised).to be_a(IOError)
    end

    it 'by exit and by signals, which go before errors' do
      out, err, status = run_ruby(<<~RUBY)
        require 'polyphony/core'
        Polyphony.run do
          Polyphony.scope do |scope|
            scope.spin { Polyphony.suspend } # the block waits for it
            scope.spin { raise 'an error' }
            begin
              Polyphony.suspend
            ensure
              exit 3
            end
          end
        end
      RUBY
      expect([out, status.exitstatus]).to eq(['', 3])
      expect(err).to match(/suppressed by exit \(SystemExit\): .*an error \(RuntimeError\)/)
    end
  end

  describe '#stop' do
    it 'in the block unwinds it at once; scope gives its value' do
      child = nil
      value = scope do |s|
        child = s.spin { suspend }
        begin
          s.stop(:result)
          log << :not_reached
        ensure
          log << :ensure
        end
      end
      expect([value, log, child.alive?]).to eq([:result, [:ensure], false])
    end

    it 'in one of its fibers unwinds that, the others and the block' do
      value = scope do |s|
        s.spin { suspend }
        s.spin { s.stop(:from_below); log << :not_reached }
        suspend
        log << :not_reached
      end
      expect([value, log]).to eq([:from_below, []])
    end

    it 'in a descendant of one of its fibers unwinds that, too' do
      value = scope do |s|
        s.spin { spin { s.stop(:from_grandchild); log << :not_reached }; suspend }
        suspend
        log << :not_reached
      end
      expect([value, log]).to eq([:from_grandchild, []])
    end

    it 'in another fiber returns when the scope has ended' do
      opened = nil
      opener = waiting do
        scope do |s|
          opened = s
          s.spin do
            suspend
          ensure
            3.times { snooze }
            log << :child
          end
          suspend
        end
      end
      wait_until { opened.children.first.state == :waiting }
      expect(opened.stop(:given)).to equal(opened)
      expect([log, opened.open?, opened.children]).to eq([[:child], false, []])
      expect(opener.await).to eq(:given)
    end

    it 'of an outer scope unwinds the inner ones' do
      value = scope do |outer|
        outer.spin { settle; outer.stop(:outer) }
        scope do |inner|
          inner.spin { suspend }
          suspend
        ensure
          log << :inner
        end
        log << :not_reached
      end
      expect([value, log]).to eq([:outer, [:inner]])
    end

    it 'of a scope whose fibers are ending already does not wait for itself' do
      scope do |s|
        s.spin do
          suspend
        ensure
          s.stop
          log << :went_on
        end
        settle
        s.stop
      end
      expect(log).to eq([:went_on])
    end

    it 'raises what a fiber fails with while it unwinds' do
      expect(error_of { scope { |s| s.spin(&failing_at_end('child')); settle; s.stop } }.message).to eq('child')
    end

    it 'does nothing to a scope that has ended' do
      ended = scope { |s| s }
      expect(ended.stop(:late)).to equal(ended)
    end
  end

  describe 'that has ended' do
    it 'takes no fibers' do
      ended = scope(:mine) { |s| s }
      error = error_of { ended.spin { log << :ran } }
      expect(error).to be_a(Polyphony::Closed).and have_attributes(message: /Scope :mine .*scope_spec.*closed/)
      snooze
      expect(log).to be_empty
    end

    it 'gives a fiber that is restarted to who restarts it' do
      fiber = scope { |s| s.spin { receive }.tap { |one| one << 1 } }
      fiber.restart
      expect(Polyphony.current.children).to include(fiber)
      fiber << :again
      expect(fiber.await).to eq(:again)
    end
  end

  it 'keeps a fiber that is restarted while it is open' do
    runs = 0
    scope do |s|
      fiber = s.spin { runs += 1 }
      fiber.await
      fiber.restart
      expect(s.children).to eq([fiber])
    end
    expect(runs).to eq(2)
  end

  it 'is for the fibers of one thread' do
    scope do |s|
      errors = Thread.new { [error_of { s.spin {} }, error_of { s.stop }] }.value
      expect(errors).to all(be_a(Polyphony::Error).and(have_attributes(message: /thread/)))
      expect(s).to be_open
    end
  end

  it 'ends with its fiber when its block is in an Enumerator that nobody resumes' do
    opened = nil
    fiber = spin do
      enumerator = Enumerator.new do |y|
        scope do |s|
          opened = s
          s.spin do
            suspend
          ensure
            log << :stopped
          end
          y << 1
        end
      end
      enumerator.next.tap { settle }
    end
    expect(fiber.await).to eq(1)
    expect([log, opened.open?, opened.children]).to eq([[:stopped], false, []])
  end

  it 'does not hold up a thread that is killed' do
    log = Queue.new
    thread = Polyphony::Thread.new do
      scope do |s|
        s.spin do
          log << :started
          suspend
        ensure
          log << :stopped
        end
        suspend
      end
    end
    log.pop
    thread.kill.join
    expect(log.pop).to eq(:stopped)
  end

  it 'tells its fibers the time limits around it' do
    deadlines = scope { |s| [s.deadline, s.spin { Polyphony.deadline }.await] }
    expect(deadlines).to eq([nil, nil])
    cancel_after(3600) do
      limit = Polyphony.deadline
      scope do |s|
        expect([s.deadline, s.spin { Polyphony.deadline }.await]).to eq([limit, limit])
        expect(s.spin { scope { |inner| inner.spin { Polyphony.deadline }.await } }.await).to eq(limit)
        expect(s.spin { move_on_after(7200) { Polyphony.deadline } }.await).to eq(limit)
        expect(s.spin { move_on_after(60) { Polyphony.deadline } }.await).to be < limit
        expect(spin { Polyphony.deadline }.await).to be_nil
      end
    end
  end

  it 'can be seen: inspect, the backtraces of its fibers, and the tree' do
    line = __LINE__ + 1
    error = error_of { scope(:seen) { |s| log << s.inspect; s.spin { log << Polyphony.tree; raise 'x' } } }
    expect(log.first).to eq("#<Polyphony::Scope :seen #{__FILE__}:#{line} open children=0>")
    expect(error.backtrace).to include("spun at #{__FILE__}:#{line}", "scope at #{__FILE__}:#{line}")
    expect(log.last).to include('scope seen')
  end

  it 'is gone in a forked child' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      $stdout.sync = true
      Polyphony.run do
        Polyphony.scope do |scope|
          sibling = scope.spin { Polyphony.suspend }
          scope.spin { Process.wait(fork { puts (scope.spin {} rescue $!.class) }) }.await
          Process.wait(fork { puts scope.children.size, scope.spin { :spun }.await, sibling.alive? })
          puts scope.children.size
          scope.stop
        end
      end
    RUBY
    expect([err, out]).to eq(['', "Polyphony::Closed\n0\nspun\nfalse\n1\n"])
  end
end
