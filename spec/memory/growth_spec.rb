# frozen_string_literal: true

require_relative '../support/memory'

# A server runs for months: what one round leaves behind must be nothing. Each program makes many rounds
# and prints what its process holds ten times on the way; the first tenth is the warm-up.
# To see one fail: in ext/scheduler/task.c, task_leave, never yield (stacks then wait for the garbage
# collector: maps), or leave out task_release (rss).
RSpec.describe 'Memory over many rounds' do
  # KiB. Rounds that leaked a single object each would show 4,000 and more.
  let(:noise) { 2500 }

  def sample(rounds, body, timeout: 50)
    result = run_ruby(<<~RUBY, timeout: timeout)
      require 'polyphony/core'
      require 'socket'
      require '#{Memory::PROGRAM}'
      #{body.gsub('ROUNDS', rounds.to_s)}
    RUBY
    expect(result.stderr).to eq('')
    Memory.samples(result.stdout)
  end

  def expect_no_growth(figures, after: 1)
    expect(figures[:rss].size).to eq(10)
    figures = figures.transform_values { |column| column.drop(after - 1) }
    expect(Memory.rise(figures[:rss])).to be < noise
    expect(Memory.rise(figures[:maps])).to be < 60
    expect(Memory.rise(figures[:fds])).to be <= 1
    expect(Memory.rise(figures[:threads])).to be <= 1
  end

  it 'is flat over 1,000,000 fibers of Fiber.schedule, half of them finished at once, half after a wait', :slow, timeout: 110 do
    expect_no_growth(sample(1_000_000, <<~'RUBY', timeout: 100))
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      Fiber.schedule do
        Memory.sample(ROUNDS) do |i|
          Fiber.schedule { sleep 0 if i.odd? }
          sleep 0 if (i % 100).zero?
        end
      end
    RUBY
  end

  it 'is flat over 1,000,000 spun fibers, half of them finished at once, half after a wait', :slow, timeout: 110 do
    expect_no_growth(sample(1_000_000, <<~'RUBY', timeout: 100))
      Polyphony.run do
        Memory.sample(ROUNDS) { |i| Polyphony.spin { sleep 0 if i.odd? }.await }
      end
    RUBY
  end

  it 'gives the stacks of 2,000 fibers that overlap back, in whatever order they end' do
    figures = sample(30, <<~'RUBY')
      Polyphony.run do
        Memory.sample(ROUNDS) do
          fibers = Array.new(2000) { |i| Polyphony.spin { (i * 7919 % 13).times { sleep 0 } } }
          Polyphony::Fiber.await(*fibers)
        end
      end
    RUBY
    # Which stacks are used first is chance: it takes some rounds until each has been.
    expect_no_growth(figures, after: 6)
  end

  it 'is flat over 10,000 connections accepted, served and closed' do
    expect_no_growth(sample(10_000, <<~'RUBY'))
      Polyphony.run do
        server = TCPServer.new('127.0.0.1', 0)
        address = Addrinfo.tcp('127.0.0.1', server.addr[1])
        backend = Polyphony.backend
        acceptor = Polyphony.spin do
          backend.accept_loop(server) do |peer|
            Polyphony.spin do
              backend.read_loop(peer) { |data| backend.write(peer, data) }
            rescue Errno::ECONNRESET
              nil # the client does not linger
            ensure
              peer.close
            end
          end
        end
        Memory.sample(ROUNDS) do
          client = Socket.new(:INET, :STREAM)
          client.setsockopt(:SOCKET, :LINGER, [1, 0].pack('ii')) # leave no port in TIME_WAIT behind
          backend.connect(client, address)
          backend.write(client, 'ping')
          backend.read(client) == 'ping' || abort('no echo')
          client.close
        end
        acceptor.stop
      end
    RUBY
  end

  it 'is flat over 10,000 scopes that end in time, run out, or are cancelled' do
    expect_no_growth(sample(10_000, <<~'RUBY'))
      require 'timeout'
      Polyphony.run do
        Memory.sample(ROUNDS) do |i|
          Polyphony.move_on_after(60) { |scope| Polyphony.move_on_after(60) { i.odd? ? scope.cancel : scope.reset } && sleep(0) }
          Polyphony.move_on_after(0) { sleep } if (i % 10).zero?
          Timeout.timeout(60) { sleep 0 }
        end
      end
    RUBY
  end

  it 'is flat over 10,000 rounds of blocking and unblocking, across threads too' do
    expect_no_growth(sample(10_000, <<~'RUBY'))
      Polyphony.run do
        here, there = Queue.new, Queue.new
        Thread.new { while (n = there.pop) do here.push(n) end }
        mutex = Mutex.new
        Memory.sample(ROUNDS) do |i|
          there.push(i)
          here.pop == i || abort('lost')
          holder = Polyphony.spin { mutex.synchronize { sleep 0 } }
          sleep 0
          mutex.synchronize { holder.await }
        end
        there.push(nil)
      end
    RUBY
  end

  it 'is flat over 10,000 fibers stopped, restarted, failed and sent messages' do
    expect_no_growth(sample(10_000, <<~'RUBY'))
      Polyphony.run do
        Memory.sample(ROUNDS) do |i|
          fiber = Polyphony.spin { Polyphony.receive && sleep }
          fiber << 'message'
          sleep 0
          fiber.restart if (i % 3).zero?
          fiber.stop
          begin
            Polyphony.spin { raise 'once' }.await
          rescue RuntimeError
            nil
          end
        end
      end
    RUBY
  end

  it 'closes the descriptors of a scheduler with it: 300 threads on 100 descriptors, without the garbage collector' do
    result = run_ruby(<<~RUBY)
      require 'polyphony/core'
      require '#{Memory::PROGRAM}'
      Process.setrlimit(:NOFILE, 100)
      GC.disable
      300.times { Thread.new { Fiber.set_scheduler(Polyphony::Scheduler.new); Fiber.schedule { sleep 0 } }.join }
      300.times { Polyphony.thread { Polyphony.spin { sleep 0 }.await }.join }
      puts Memory.threads, Memory.fds
    RUBY
    threads, fds = result.stdout.split.map(&:to_i)
    expect(result.stderr).to eq('')
    expect(threads).to be <= 4 # Ruby keeps some for reuse
    expect(fds).to be < 20
  end

  it 'survives threads that die with their fibers suspended, and gives all back' do
    figures = sample(100, <<~'RUBY')
      Memory.sample(ROUNDS) do
        thread = Thread.new do
          Thread.current.report_on_exception = false
          Fiber.set_scheduler(Polyphony::Scheduler.new)
          10.times { Polyphony.spin { UNIXSocket.pair.first.read(1) } }
          Polyphony.snooze
          raise 'lost'
        end
        thread.join rescue nil
        thread = nil
        GC.start
      end
    RUBY
    # Some of them may be held by what the conservative collector takes for references.
    expect(figures[:fds].max).to be < 1000
    expect(Memory.rise(figures[:rss])).to be < 20_000
    expect(figures[:threads].max).to be <= 3
  end
end
