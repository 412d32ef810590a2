# frozen_string_literal: true

require 'timeout'

# Locks and time.
module Bench
  row 'mutex', 'Mutex, 20 x 10 fibers, sleep 0 in the lock', unit: 'lock', wanted: 1_000_000, over_async: 4.2 do |n|
    20.times do
      mutex = Mutex.new
      10.times { go { n.times { mutex.synchronize { sleep 0 } } } }
    end
    200 * n
  end

  # The holder's byte comes back through a partner fiber, so it has to wait with the lock held.
  row 'mutex_io', 'Mutex, 20 x 10 fibers, a byte there and back in the lock', unit: 'lock' do |n|
    20.times do
      mutex = Mutex.new
      near, far = UNIXSocket.pair
      10.times { go { n.times { mutex.synchronize { near.write('x'); near.readpartial(1) } } } }
      go { (10 * n).times { far.write(far.readpartial(1)) }; far.close }
    end
    200 * n
  end

  # 0.5 to 1.5 s each. CPU a timer is the figure; `late` and `early` say whether they were on time.
  row 'timers', '10,000 sleeping timers', unit: 'us CPU each', fixed: 10_000, column: :cpu_us,
      wanted: 20, over_async: 5.4 do |n|
    late = []
    n.times do |i|
      go do
        time = 0.5 + (i * 7919 % n).fdiv(n)
        start = now
        sleep time
        late << (now - start - time)
      end
    end
    check('every timer fired') do
      late.sort!
      extra.update(late_p50_ms: late[n / 2] * 1e3, late_max_ms: late[-1] * 1e3, early_ms: [late[0] * -1e3, 0].max)
      late.size == n
    end
    n
  end

  row 'timeout', 'Timeout.timeout around a quick call', unit: 'call', wanted: 400_000, over_async: 3.4 do |n|
    go { n.times { Timeout.timeout(10) { sleep 0 } } }
    n
  end

  # The sleepers' timers are in the heap all the while; starting and stopping them is not counted.
  among_timers = lambda do |stage, n, start, finish, limit|
    sleepers = Array.new(10_000) { |i| start.call(1000 + i) }
    began = stage.now
    n.times { |i| limit.call(900 + (i % 5000)) }
    stage.extra[:rate] = n / (stage.now - began)
    sleepers.each(&finish)
    n
  end
  row 'limits', 'a time limit armed and cancelled among 10,000 timers', unit: 'limit',
      polyphony: lambda { |n|
        among_timers.call(self, n, ->(time) { Polyphony.spin { sleep time }.tap { Polyphony.snooze } },
                          :stop, ->(time) { Polyphony.move_on_after(time) { nil } })
      },
      async: lambda { |n|
        among_timers.call(self, n, ->(time) { Async { sleep time } }, :stop,
                          ->(time) { Async::Task.current.with_timeout(time) { nil } })
      },
      polyphony16: lambda { |n|
        among_timers.call(self, n, ->(time) { spin { sleep time } }, :stop, ->(time) { move_on_after(time) { nil } })
      }
end
