# frozen_string_literal: true

require_relative '../support/virtual_time'

RSpec.describe Polyphony::ResourcePool, :fibers, :virtual_time do
  subject(:pool) { described_class.new(limit: 2) { made << Object.new and made.last } }

  let(:made) { [] }
  let(:closed) { [] }

  # A pool of one number after the other, which notes what it closes.
  def numbers(limit: 1, **options)
    described_class.new(limit: limit, close: ->(number) { closed << number }, **options) { made << made.size and made.last }
  end

  describe 'acquire' do
    it 'makes resources when they are needed, and no more than its limit', :fifo do
      expect(pool.size).to eq(0)
      users = Array.new(6) { spin { pool.acquire { |resource| snooze; resource } } }
      used = Polyphony::Fiber.await(*users)
      expect([made.size, pool.size, pool.available, pool.limit]).to eq([2, 2, 2, 2])
      expect(used.uniq).to match_array(made)
    end

    it 'gives a resource to one fiber at a time, first come, first served' do
      in_use = Hash.new(0).compare_by_identity
      users = Array.new(10) do |i|
        waiting do
          pool.acquire do |resource|
            log << i
            raise 'shared' if (in_use[resource] += 1) > 1

            sleep 1
            in_use[resource] -= 1
          end
        end
      end
      Polyphony::Fiber.await(*users)
      expect(log).to eq((0...10).to_a)
    end

    it 'hands out the one that was used last' do
      two = numbers(limit: 2).fill!
      last = two.acquire { |a| spin { two.acquire { |b| b } }.await; a }
      expect(3.times.map { two.acquire { |number| number } }).to eq([last] * 3)
    end

    it 'is re-entrant per fiber, also from a nested Fiber; child fibers get their own' do
      one = numbers(limit: 2)
      expect(one.acquire { |a| [a, one.acquire { |b| b }, Fiber.new { one.acquire { |c| c } }.resume] }).to eq([0, 0, 0])
      expect(one.acquire { |a| [a, spin { one.acquire { |b| b } }.await] }).to eq([0, 1])
      expect(one.available).to eq(2)
    end

    it 'takes a resource back however its block ends' do
      expect(error_of { pool.acquire { raise IOError } }).to be_a(IOError)
      catch(:out) { pool.acquire { throw :out } }
      expect(pool.acquire { break :broke }).to eq(:broke)
      expect(-> { pool.acquire { return :returned } }.call).to eq(:returned)
      waiting { pool.acquire { suspend } }.stop
      move_on_after(1) { pool.acquire { suspend } }
      expect([pool.available, made.size]).to eq([1, 1])
    end

    it 'lets those behind go on when one who waits is stopped, cut, or stopped after it was woken' do
      holders = Array.new(2) { waiting { pool.acquire { receive } } }
      first = waiting { pool.acquire { log << :first } }
      second = waiting { move_on_after(1) { pool.acquire { log << :second } } }
      third = waiting { pool.acquire { log << :third; suspend } }
      last = waiting { pool.acquire { log << :last } }
      expect(pool.waiting).to eq(4)
      first.stop
      sleep 2
      second.await
      holders.first << :release
      wait_until { log == [:third] }
      third.stop
      last.await
      expect(log).to eq(%i[third last])
      expect(pool.waiting).to eq(0)
    end

    it 'raises TimeoutError when none gets free in time' do
      2.times { waiting { pool.acquire { suspend } } }
      expect(error_of { pool.acquire(timeout: 3) {} }).to be_a(Polyphony::TimeoutError)
      expect(error_of { pool.acquire(timeout: 0) {} }).to be_a(Polyphony::TimeoutError)
      expect(error_of { pool.acquire(timeout: -1) {} }).to be_a(ArgumentError)
      expect(error_of { pool.acquire(timeout: 'x') {} }).to be_a(TypeError)
      expect([pool.waiting, time]).to eq([0, 3])
    end

    it 'has a timeout of its own if it is told to' do
      one = numbers(timeout: 2)
      one.acquire do
        expect(error_of { spin { one.acquire {} }.await }).to be_a(Polyphony::TimeoutError)
        late = spin { one.acquire(timeout: nil) { time } }
        after(5) { log << one.discard! } # not this fiber's
        sleep 9
        log << late
      rescue Polyphony::Error
        log << time
      end
      expect(log).to eq([7])
    end
  end

  describe 'making one' do
    it 'frees the place when it fails, for those who wait too' do
      fail_once = true
      flaky = described_class.new(limit: 1) { snooze; fail_once ? (fail_once = false) || raise(IOError) : :fine }
      users = Array.new(3) { spin { error_of { flaky.acquire { |resource| log << resource } } } }
      errors = Polyphony::Fiber.await(*users)
      expect(errors).to contain_exactly(IOError, nil, nil)
      expect([log, flaky.size]).to eq([%i[fine fine], 1])
    end

    it 'may wait, several at the same time' do
      slow = described_class.new(limit: 2) { log << :making; receive }
      makers = Array.new(2) { spin { slow.acquire { |resource| resource } } }
      wait_until { log.size == 2 }
      makers.each_with_index { |fiber, i| fiber << i }
      expect(Polyphony::Fiber.await(*makers)).to eq([0, 1])
    end

    it 'may be interrupted: the place goes to the next' do
      slow = described_class.new(limit: 1) { sleep 10; :made }
      maker = waiting { slow.acquire {} }
      others = Array.new(2) { waiting { slow.acquire { |resource| resource } } }
      sleep 1
      maker.stop
      sleep 1
      others[0].cancel(IOError)
      expect(error_of { others[0].await }).to be_a(IOError)
      expect([others[1].await, time, slow.size]).to eq([:made, 12, 1])
      expect(move_on_after(5, with_value: :cut) { described_class.new(limit: 1) { sleep 10 }.acquire {} }).to eq(:cut)
    end

    it 'takes what may be nil or false' do
      values = [nil, false]
      odd = described_class.new(limit: 2) { values.shift }
      expect(odd.acquire { |a| [a, spin { odd.acquire { |b| b } }.await] }).to eq([nil, false])
      expect([odd.size, odd.available]).to eq([2, 2])
    end

    it 'can be done before the first use' do
      three = numbers(limit: 3)
      expect([three.fill!(2).available, three.fill!.available, made.size]).to eq([2, 3, 3])
      [0, 4, '2'].each { |wrong| expect(error_of { three.fill!(wrong) }).to be_a(ArgumentError) }
      one = described_class.new(limit: 1) { raise IOError }
      expect(error_of { one.fill! }).to be_a(IOError)
      expect(one.size).to eq(0)
    end
  end

  describe 'discard!' do
    it 'drops the resource of the calling fiber; another is made' do
      pool.acquire { |resource| expect([pool.discard!, pool.discard!]).to eq([resource, resource]) }
      expect([pool.size, pool.available]).to eq([0, 0])
      pool.acquire {}
      expect(made.size).to eq(2)
      expect(error_of { pool.discard! }).to be_a(Polyphony::Error)
    end

    it 'lets one who waits have another at once, and closes the resource after its use' do
      one = numbers
      holder = waiting { one.acquire { one.discard!; receive; log << closed.dup } }
      waiter = spin { one.acquire { |number| number } }
      expect(waiter.await).to eq(1)
      holder << 1
      holder.await
      expect([log, closed, one.size, one.stats]).to match([[[]], [0], 1, include(made: 2, discarded: 1)])
    end
  end

  describe 'discard_on_error:' do
    it 'true: after any error, stop or limit in the middle' do
      one = numbers(discard_on_error: true)
      error_of { one.acquire { raise IOError } }
      waiting { one.acquire { suspend } }.stop
      move_on_after(1) { one.acquire { suspend } }
      one.acquire { catch(:out) { throw :out } }
      expect([closed, one.size, made.size]).to eq([[0, 1, 2], 1, 4])
    end

    it 'classes: after those only, and once for nested use' do
      one = numbers(discard_on_error: [IOError, Polyphony::Stop])
      error_of { one.acquire { one.acquire { raise EOFError } } }
      error_of { one.acquire { raise ArgumentError } }
      waiting { one.acquire { suspend } }.stop
      error_of { one.acquire { one.discard!; raise IOError } }
      expect([closed, one.size, made.size]).to eq([[0, 1, 2], 0, 3])
    end

    it 'frees the place when the resource is closed, whatever goes wrong with that' do
      one = described_class.new(limit: 1, discard_on_error: true, close: ->(_) { suspend }) { made << 1 }
      holder = waiting { one.acquire { suspend } }
      waiter = waiting { one.acquire { :got } }
      spin { holder.stop }
      snooze
      expect(waiter.state).to eq(:waiting)
      holder.stop(now: true)
      expect([waiter.await, one.size]).to eq([:got, 1])
    end
  end

  describe 'check:' do
    it 'replaces what is not good any more' do
      good = true
      one = numbers(check: ->(number) { log << number; good })
      2.times { one.acquire {} }
      good = false
      expect([one.acquire { |number| number }, closed, log, one.size]).to eq([1, [0], [0, 0], 1])
      good = nil
      expect(one.acquire { |number| number }).to eq(2)
    end

    it 'counts an error as a no, and lets the rest through' do
      one = numbers(check: ->(_) { raise IOError })
      2.times { one.acquire {} }
      expect([made, closed]).to eq([[0, 1], [0]])
    end

    it 'may wait; one that is interrupted leaves no doubtful resource behind' do
      one = numbers(check: ->(_) { sleep 5 })
      one.acquire {}
      expect(move_on_after(1, with_value: :cut) { one.acquire { :not_reached } }).to eq(:cut)
      expect([closed, one.size]).to eq([[0], 0])
      expect(one.acquire { |number| number }).to eq(1)
    end

    it 'with max_age: and max_idle: replaces what is old, or was long unused' do
      one = numbers(max_age: 10, max_idle: 4)
      used = [0, 3, 3, 3, 3, 3, 5, 1].map { |pause| sleep pause; one.acquire { |number| number } }
      expect([used, closed]).to eq([[0, 0, 0, 0, 1, 1, 2, 2], [0, 1]])
    end
  end

  describe 'close' do
    it 'refuses, closes what is idle now and the rest when it comes back, and fails those who wait' do
      three = numbers(limit: 2)
      three.fill!
      holder = waiting { three.acquire { receive } }
      three.close
      expect([closed, three.size, three.closed?, three.inspect]).to eq([[0], 1, true, '#<Polyphony::ResourcePool closed size=1/2 available=0 waiting=0>'])
      [-> { three.acquire {} }, -> { three.fill! }].each { |call| expect(error_of(&call)).to be_a(Polyphony::Closed) }
      holder << 1
      holder.await
      expect([closed, three.size]).to eq([[0, 1], 0])
      three.close
    end

    it 'fails who waits, and who is making one' do
      holders = Array.new(2) { waiting { pool.acquire { suspend } } }
      waiter = waiting { error_of { pool.acquire {} } }
      pool.close
      expect(waiter.await).to be_a(Polyphony::Closed)
      holders.each(&:stop)
      slow = described_class.new(limit: 1, close: ->(number) { closed << number }) { sleep 1; 7 }
      maker = waiting { error_of { slow.acquire { log << :used } } }
      slow.close
      expect([maker.await, closed, slow.size, log]).to match([Polyphony::Closed, [7], 0, []])
    end

    it 'takes a block that closes, and raises its first error after all have been tried' do
      two = numbers(limit: 2).fill!
      error = error_of { two.close { |number| closed << [number]; raise IOError, number.to_s } }
      expect([error.message, Polyphony.suppressed(error).map(&:message), closed, two.size]).to eq(['0', ['1'], [[0], [1]], 0])
    end

    it 'waits for those in use if it is told to' do
      two = numbers(limit: 2).fill!
      waiting { two.acquire { sleep 5 } }
      two.close(wait: true)
      expect([closed, time]).to eq([[0, 1], 5]).or eq([[1, 0], 5])
      one = numbers
      expect(one.acquire { error_of { one.close(wait: true) } }).to be_a(Polyphony::Error)
    end

    it 'waits interruptibly' do
      one = numbers
      holder = waiting { one.acquire { suspend } }
      expect(move_on_after(1, with_value: :cut) { one.close(wait: true) }).to eq(:cut)
      holder.stop
      expect(one.close(wait: true)).to be_nil
    end
  end

  it 'prints what closing a discarded resource failed with' do
    bad = described_class.new(limit: 1, discard_on_error: true, close: ->(_) { raise 'cannot close' }) { 1 }
    expect { expect(error_of { bad.acquire { raise IOError } }).to be_a(IOError) }.to output(/ResourcePool.*cannot close/m).to_stderr
    expect(bad.size).to eq(0)
  end

  it 'tells what it has' do
    holder = waiting { pool.acquire { suspend } }
    pool.acquire {}
    expect(pool.stats).to eq({ limit: 2, size: 2, available: 1, in_use: 1, waiting: 0, made: 2, discarded: 0 })
    expect(pool.inspect).to eq('#<Polyphony::ResourcePool size=2/2 available=1 waiting=0>')
    holder.stop
  end

  it 'refuses wrong arguments' do
    [0, -1, 1.5, nil, '5'].each { |wrong| expect(error_of { described_class.new(limit: wrong) {} }).to be_a(ArgumentError) }
    expect(error_of { described_class.new(limit: 1) }).to be_a(ArgumentError)
    expect(error_of { pool.acquire }).to be_a(ArgumentError)
    [{ check: :sym }, { close: 5 }, { discard_on_error: :all }, { discard_on_error: ['x'] }, { max_age: 'x' }, { timeout: 'x' }].each do |wrong|
      expect(error_of { described_class.new(limit: 1, **wrong) {} }).to be_a(TypeError)
    end
    expect(error_of { described_class.new(limit: 1, max_idle: -1) {} }).to be_a(ArgumentError)
  end
end

RSpec.describe Polyphony::ResourcePool, :fibers do
  it 'serves fibers of several threads' do
    made = Queue.new
    pool = described_class.new(limit: 3, check: ->(_) { rand > 0.1 }) { made << 1; Object.new }
    in_use = Queue.new
    threads = Array.new(4) do |seed|
      Polyphony::Thread.new do
        fibers = Array.new(10) do |i|
          spin do
            50.times do
              pool.acquire do |resource|
                in_use << resource
                raise 'too many' if in_use.size > 3

                (i + seed).even? ? snooze : Thread.pass
                pool.discard! if rand < 0.05
                in_use.pop
              end
            end
          end
        end
        waiting { loop { pool.acquire { snooze } } }.stop
        Polyphony::Fiber.await(*fibers)
      end
    end
    threads.each(&:join)
    expect([pool.waiting, pool.stats[:in_use], pool.size]).to eq([0, 0, pool.available])
    expect(pool.stats[:made] - pool.stats[:discarded]).to eq(pool.size)
  end

  it 'in a forked child begins anew, and leaves alone what the parent has' do
    reader, writer = IO.pipe
    pool = described_class.new(limit: 2, close: ->(pid) { writer.puts("closed #{pid}") }) { Process.pid }
    pool.fill!
    holder = waiting { pool.acquire { suspend } }
    pid = fork do
      writer.puts(pool.acquire { |resource| resource == Process.pid })
      pool.close
      exit!(0)
    end
    Process.wait(pid)
    expect(Array.new(2) { reader.gets }).to eq(["true\n", "closed #{pid}\n"])
    holder.stop
    expect([pool.available, pool.stats[:discarded]]).to eq([2, 0])
    pid = pool.acquire { fork }
    unless pid # it forked while it held one, which is the parent's
      writer.puts(pool.size, pool.acquire { |resource| resource == Process.pid })
      exit!(0)
    end
    Process.wait(pid)
    expect(Array.new(2) { reader.gets }).to eq(["0\n", "true\n"])
  end
end
