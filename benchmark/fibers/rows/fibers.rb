# frozen_string_literal: true

# Making fibers and passing the turn.
module Bench
  row 'spawn', 'spawn and finish', unit: 'fiber', wanted: 400_000, over_async: 5.4 do |n|
    n.times { go {} }
    n
  end

  # Batches of 100, so that the spawner waits too and fibers come and go as in a server.
  row 'spawn_sleep0', 'spawn, sleep 0, finish', unit: 'fiber', wanted: 300_000, over_async: 6.0 do |n|
    batches = [n / 100, 1].max
    batches.times do
      queue = Queue.new
      100.times { go { sleep 0; queue << 1 } }
      100.times { queue.pop }
    end
    batches * 100
  end

  awaited = ->(stage, n, sum) { stage.check('every result arrived') { sum == n * (n - 1) / 2 } }
  row 'spin_await', 'spin and await its result', unit: 'fiber',
      polyphony: lambda { |n|
        sum = 0
        n.times { |i| sum += Polyphony.spin { i }.await }
        awaited.call(self, n, sum)
        n
      },
      async: lambda { |n|
        sum = 0
        n.times { |i| sum += Async { i }.wait }
        awaited.call(self, n, sum)
        n
      },
      polyphony16: lambda { |n|
        sum = 0
        n.times { |i| sum += spin { i }.await }
        awaited.call(self, n, sum)
        n
      },
      threads: lambda { |n|
        sum = 0
        n.times { |i| sum += Thread.new { i }.value }
        awaited.call(self, n, sum)
        n
      }

  row 'sleep0', 'sleep 0, 10 fibers', unit: 'turn', wanted: 4_000_000, over_async: 10.3 do |n|
    10.times { go { n.times { sleep 0 } } }
    n * 10
  end

  row 'snooze', 'snooze, 10 fibers', unit: 'turn',
      polyphony: lambda { |n|
        turns = 0
        10.times { Polyphony.spin { n.times { Polyphony.snooze; turns += 1 } } }
        Polyphony.supervise
        check('every turn was taken') { turns == n * 10 }
        n * 10
      },
      async: lambda { |n|
        turns = 0
        10.times.map { Async { |task| n.times { task.yield; turns += 1 } } }.each(&:wait)
        check('every turn was taken') { turns == n * 10 }
        n * 10
      },
      polyphony16: lambda { |n|
        turns = 0
        10.times.map { spin { n.times { snooze; turns += 1 } } }.each(&:await)
        check('every turn was taken') { turns == n * 10 }
        n * 10
      },
      threads: lambda { |n|
        10.times.map { Thread.new { n.times { Thread.pass } } }.each(&:join)
        n * 10
      }

  # Everybody is stopped in Queue#pop; the difference in resident memory is what a fiber that waits costs.
  row 'memory', 'suspended fiber', unit: 'KB each', fixed: 10_000, column: :kb, wanted: 15 do |n|
    gate = Queue.new
    before = rss_kb
    n.times { go { gate.pop } }
    sleep 0 until gate.num_waiting == n
    extra[:kb] = (rss_kb - before).fdiv(n)
    n.times { gate << 1 }
    n
  end
end
