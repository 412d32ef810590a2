# frozen_string_literal: true

# Handing values from fiber to fiber.
module Bench
  row 'queue', 'Queue ping-pong', unit: 'round trip', wanted: 1_000_000, over_async: 5.4 do |n|
    there = Queue.new
    back = Queue.new
    last = nil
    go { n.times { |i| there << i; last = back.pop } }
    go { n.times { back << there.pop } }
    check('the last value came back') { last == n - 1 }
    n
  end

  row 'queue_fan', 'Queue fan, 20 x (5 producers, 10 consumers)', unit: 'item', wanted: 4_000_000,
      over_async: 1.3 do |n|
    taken = []
    20.times do
      queue = Queue.new
      5.times { go { n.times { queue << 1 }; 2.times { queue << :stop } } }
      10.times { go { got = 0; got += 1 while queue.pop != :stop; taken << got } }
    end
    check('every item was taken') { taken.sum == 20 * 5 * n }
    20 * 5 * n
  end

  echoed = ->(stage, n, last) { stage.check('the last message came back') { last == n - 1 } }
  row 'message', 'message round trip between two fibers', unit: 'round trip',
      polyphony: lambda { |n|
        me = Polyphony.current
        last = nil
        echo = Polyphony.spin { n.times { me << Polyphony.receive } }
        n.times { |i| echo << i; last = Polyphony.receive }
        echo.await
        echoed.call(self, n, last)
        n
      },
      polyphony16: lambda { |n|
        me = Fiber.current
        last = nil
        echo = spin { n.times { me << receive } }
        n.times { |i| echo << i; last = receive }
        echo.await
        echoed.call(self, n, last)
        n
      },
      async: lambda { |n|
        there = Async::Queue.new
        back = Async::Queue.new
        last = nil
        echo = Async { n.times { back << there.dequeue } }
        n.times { |i| there << i; last = back.dequeue }
        echo.wait
        echoed.call(self, n, last)
        n
      },
      threads: lambda { |n|
        there = Queue.new
        back = Queue.new
        last = nil
        echo = Thread.new { n.times { back << there.pop } }
        n.times { |i| there << i; last = back.pop }
        echo.join
        echoed.call(self, n, last)
        n
      }
end
