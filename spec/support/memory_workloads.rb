# frozen_string_literal: true

# What the memory specs, valgrind and the address sanitizer run: small programs that between them make
# every kind of wait with every kind of end, with results that are known. A program of its own, so that no
# part of RSpec is in the picture:
#
#   ruby -I lib -I tmp/ext/RUBY_VERSION spec/support/memory_workloads.rb MODE NAME…
#
# MODE: plain, stress (GC.stress), compact (GC.auto_compact), verify (everything moves at once, checked).
# Prints a line for each workload, "NAME: ok", and ends with 1 when a result is wrong.

require 'polyphony/core'
require 'socket'
require 'timeout'

module MemoryWorkloads
  MODES = {
    'plain' => -> {},
    'stress' => -> { GC.stress = true },
    'compact' => -> { GC.auto_compact = true },
    'verify' => -> { GC.verify_compaction_references(toward: :empty, **GROW) }
  }.freeze
  # Named double_heap before Ruby 3.2.
  GROW = { (GC.method(:verify_compaction_references).parameters.any? { |_, name| name == :expand_heap } ? :expand_heap : :double_heap) => true }.freeze
  NAMES = %w[io backend timers queues fibers scopes nurseries nested threads processes observed trees].freeze

  class Wrong < StandardError; end

  module_function

  # Objects are made, moved and thrown away while every fiber of the workload is suspended.
  def churn
    10.times { Array.new(3) { 'x' * 30 } }
    return if GC.stress

    @verify ? GC.verify_compaction_references(toward: :empty, **GROW) : GC.compact
  end

  def check(name, actual, expected)
    raise Wrong, "#{name}: #{actual.inspect} instead of #{expected.inspect}" unless actual == expected
  end

  # Stock IO: two fibers on a pair of sockets, a third that waits for what never comes and is stopped.
  def io
    left, right = UNIXSocket.pair
    idle, writer = IO.pipe
    stuck = Polyphony.spin { idle.read(1) }
    echo = Polyphony.spin { 3.times { right.puts(right.gets.upcase) } }
    lines = Array.new(3) do |i|
      left.puts("line #{i}")
      churn if i == 1
      left.gets
    end
    echo.await
    check('lines', lines, ["LINE 0\n", "LINE 1\n", "LINE 2\n"])
    stuck.stop
    check('stopped', stuck.state, :dead)
    wide(left, right)
  ensure
    [left, right, idle, writer].each { |io| io&.close }
  end

  # More than a socket takes at once.
  def wide(left, right)
    data = 'polyphony' * 60_000
    sender = Polyphony.spin { left.write(data) && left.close_write }
    check('wide', right.read, data)
    sender.await
  end

  # The backend's own operations, their loops left by break, by the end and by an error.
  def backend
    backend = Polyphony.backend
    server = TCPServer.new('127.0.0.1', 0)
    acceptor = Polyphony.spin do
      backend.accept_loop(server) { |client| Polyphony.spin { serve(backend, client) } }
    end
    replies = Array.new(2) do |i|
      client = TCPSocket.new('127.0.0.1', server.addr[1])
      backend.write(client, 'pi', 'ng ', i.to_s)
      churn
      backend.read(client, +'', 100).tap { client.close }
    end
    acceptor.stop
    check('replies', replies, ['PING 0', 'PING 1'])
    abandoned_loop(backend)
  ensure
    server&.close
  end

  def serve(backend, client)
    backend.read_loop(client) { |data| backend.write(client, data.upcase) }
  ensure
    client.close
  end

  # A read loop inside a nested fiber that nobody resumes again.
  def abandoned_loop(backend)
    left, right = UNIXSocket.pair
    right.write('a')
    first = Fiber.new { backend.read_loop(left) { |data| Fiber.yield(data) } }.resume
    churn
    right.write('b')
    sleep 0.001
    check('loop', first, 'a')
  ensure
    [left, right].each { |io| io&.close }
  end

  def timers
    order = []
    waits = [0.003, 0.001, 0.002].map { |s| Polyphony.spin { sleep(s) && order.push(s) } }
    churn
    waits.each(&:await)
    check('order', order.size, 3)
    rounds = 0
    Polyphony.every(0.001) { break if (rounds += 1) == 3 }
    check('rounds', rounds, 3)
    check('after', Polyphony.after(0.001) { :later }.await, :later)
    never = Polyphony.after(1000) { :never }
    sleep 0
    never.stop
    check('timeout', timed_out { Timeout.timeout(0.001) { sleep } }, true)
  end

  def timed_out
    yield
    false
  rescue Timeout::Error
    true
  end

  def queues
    queue = Queue.new
    mutex = Mutex.new
    sum = 0
    takers = Array.new(3) { Polyphony.spin { while (n = queue.pop) do mutex.synchronize { sleep(0) && sum += n } end } }
    sleep 0
    churn
    Thread.new { 1.upto(5) { |n| queue.push(n) } }.join
    sleep 0.001 until queue.empty?
    queue.close
    takers.each(&:await)
    check('sum', sum, 15)
    full = SizedQueue.new(1)
    pusher = Polyphony.spin { 3.times { |i| full.push(i) } }
    check('sized', Array.new(3) { full.pop }, [0, 1, 2])
    pusher.await
  end

  def fibers
    log = []
    worker = Polyphony.spin(:worker) { log.push(Polyphony.receive) && sleep }
    worker << { hello: 'world' }
    sleep 0.001
    worker.restart
    sleep 0.001
    worker.send('again')
    sleep 0.001
    churn
    worker.stop(:value)
    check('log', log, [{ hello: 'world' }, 'again'])
    check('value', worker.await, :value)
    family
    results = Polyphony::Fiber.await(*Array.new(4) { |i| Polyphony.spin { sleep(0) && i } })
    check('results', results, [0, 1, 2, 3])
  end

  # Errors go up, children go down.
  def family
    ended = []
    parent = Polyphony.spin do
      Polyphony.spin { sleep }.tap { |f| f.tag = :sibling }
      Polyphony.spin { begin sleep ensure ended << :ensure end }
      Polyphony.spin { sleep(0) && raise('child') }
      sleep
    end
    message = begin
      parent.await
    rescue RuntimeError => e
      e.message
    end
    check('error', [message, ended], ['child', [:ensure]])
  end

  def scopes
    values = Array.new(3) do |i|
      Polyphony.move_on_after(0.002, with_value: [:outer, i]) do
        Polyphony.move_on_after(10) do |scope|
          scope.reset
          churn if i == 1
          sleep
        end
      end
    end
    check('outer', values, [[:outer, 0], [:outer, 1], [:outer, 2]])
    cancelled = begin
      Polyphony.cancel_after(0.001) { sleep }
    rescue Polyphony::Cancel
      :cancelled
    end
    shielded = Polyphony.move_on_after(0.001, with_value: :cut) { Polyphony.shield { sleep(0.002) } && sleep }
    check('ends', [cancelled, shielded], %i[cancelled cut])
  end

  # Fibers of a scope end with it, and what they fail with stays with the error that is raised.
  def nurseries
    failing = ->(i) { begin Polyphony.suspend ensure raise(i.to_s) end }
    error = begin
      Polyphony.scope do |scope|
        3.times { |i| scope.spin { failing.call(i) } }
        Polyphony.snooze
        churn
        scope.spin { raise 'first' }
        Polyphony.suspend
      end
    rescue RuntimeError => e
      e
    end
    churn
    check('error', [error, *Polyphony.suppressed(error)].map(&:message), %w[first 0 1 2])
    limited = Polyphony.move_on_after(0.001, with_value: :late) { Polyphony.scope { |s| s.spin { sleep } } }
    stopped = Polyphony.scope { |s| s.spin { s.spin { churn; s.stop(:stopped) } } && sleep }
    check('ends', [limited, stopped], %i[late stopped])
    # An abandoned block: its fibers end with the fiber.
    Polyphony.spin { Enumerator.new { |y| Polyphony.scope { |s| s.spin { sleep } && y << 1 } }.next && churn }.await
  end

  # Waits inside nested fibers and enumerators; some are dropped half-way, their time limits with them.
  def nested
    nested = Fiber.new { Fiber.yield(sleep(0.001)) && Polyphony.move_on_after(0.001, with_value: :cut) { sleep } }
    nested.resume
    check('nested', nested.resume(true), :cut)
    numbers = Enumerator.new { |y| 3.times { |i| y << i } }
    check('next', [numbers.next, numbers.next], [0, 1])
    dropped_limits
    task = Polyphony.spin { Fiber.new { Polyphony.move_on_after(0.002) { Fiber.yield } }.resume }
    task.await
    churn
    sleep 0.003
  end

  # As with stock Timeout, a limit that nobody waits under any more may strike whoever waits.
  def dropped_limits
    5.times { Fiber.new { Timeout.timeout(0.002) { Fiber.yield } }.resume }
    churn
    6.times { timed_out { sleep 0.001 } }
  end

  def threads
    main = Polyphony.current
    thread = Polyphony.thread { 3.times { |i| main.send(i) } && Polyphony.spin { sleep(0) && :done }.await }
    check('messages', Array.new(3) { Polyphony.receive }, [0, 1, 2])
    churn
    check('thread', thread.value, :done)
    pool = Polyphony::ThreadPool.new(2)
    check('pool', Array.new(3) { |i| Polyphony.spin { pool.process { i * 2 } } }.map(&:await), [0, 2, 4])
    pool.stop
    lost_thread
  end

  # A thread that dies with its fibers suspended: before 3.3 Ruby does not close its scheduler.
  def lost_thread
    thread = Thread.new do
      Thread.current.report_on_exception = false
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      2.times { Polyphony.spin { UNIXSocket.pair.first.read(1) } }
      sleep 0
      raise 'lost'
    end
    check('lost', begin thread.join rescue $!.message end, 'lost')
    churn
  end

  def processes
    check('status', Process.wait2(Process.spawn('exit 3'))[1].exitstatus, 3)
    sleeper = Polyphony.spin { Polyphony.move_on_after(100) { sleep } }
    sleep 0
    child = fork do
      churn
      exit!(Polyphony.spin { sleep(0.001) && 5 }.await)
    end
    check('fork', Process.wait2(child)[1].exitstatus, 5)
    sleeper.stop
  end

  # A virtual clock and its heap, a random order, a tracer and a watcher of holds that make objects.
  def observed
    scheduler = Polyphony::Scheduler.current
    scheduler.shuffle = 7
    scheduler.virtual_clock = 0
    events = []
    scheduler.trace = ->(*event) { events.push(event) if events.size < 50 }
    scheduler.watch_holds(0.000_001, ->(task, seconds) { events.push([task, seconds]) if events.size < 60 })
    woken = Array.new(12) { |i| Polyphony.spin { sleep(60 + (i * 7 % 12)) && i } }
    3.times { |i| woken[i].stop }
    churn
    Polyphony::Scheduler.wait_all_blocked
    check('woken', woken.drop(3).map(&:await), (3..11).to_a)
    check('cut', Polyphony.move_on_after(3600, with_value: :cut) { sleep }, :cut)
    check('observed', events.size >= 50, true)
  ensure
    scheduler.trace = scheduler.shuffle = nil
    scheduler.watch_holds(0, nil)
    scheduler.virtual_clock = nil
  end

  # A random tree of fibers (spec/property).
  def trees
    require_relative '../property/check'
    stress, GC.stress = GC.stress, false
    seed = 135 # of a program with most kinds of steps
    program = Property::Program.generate(seed)
    churn
    GC.stress = stress
    Thread.new { check('faults', Property::World.new(program, seed).run.faults, []) }.join
  end

  def run(mode, names)
    @verify = mode == 'verify'
    MODES.fetch(mode).call unless @verify
    names.each do |name|
      Polyphony.run { public_send(name) }
      puts "#{name}: ok"
    end
  ensure
    GC.stress = false
  end
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  mode, *names = ARGV
  MemoryWorkloads.run(mode, names.empty? ? MemoryWorkloads::NAMES : names)
end
