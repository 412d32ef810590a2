# frozen_string_literal: true

require_relative '../support/stock'

RSpec.describe 'fork beside a ticker fiber', :stock do
  # Runs +code+ as the main fiber of a process with a scheduler; `report(text)` prints one whole line at once, from
  # any process.
  def forking(code)
    script(<<~RUBY)
      def report(text) = STDOUT.syswrite("\#{text}\\n")
      def status(pid) = Process.wait2(pid).last.exitstatus
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      #{code}
    RUBY
  end

  def lines(code)
    run = forking(code)
    expect(run.status).to be_success, run.output
    run.output.lines(chomp: true)
  end

  it 'with a block, in a fiber: the child ends with the block, the parent goes on beside its ticker' do
    expect(lines(<<~'RUBY')).to eq(['child', 'status 3 after 10 ticks'])
      ticks = 0
      reader, writer = IO.pipe
      Fiber.schedule do
        pid = fork { writer.close; reader.read; report('child'); exit 3 }
        report("status #{status(pid)} after #{ticks} ticks")
      end
      Fiber.schedule { 10.times { (ticks += 1) and sleep 0 } and writer.close }
    RUBY
  end

  it 'without a block, in a fiber: both sides go on from the fork' do
    expect(lines(<<~'RUBY')).to eq(['child', 'status 4'])
      Fiber.schedule do
        pid = fork
        if pid
          report("status #{status(pid)}")
        else
          report('child')
          exit 4
        end
      end
    RUBY
  end

  it 'the child of a fiber ends with 0 when its fiber ends' do
    expect(lines(<<~'RUBY')).to eq(['child', 'status 0'])
      Fiber.schedule do
        pid = fork
        pid ? report("status #{status(pid)}") : report('child')
      end
    RUBY
  end

  it 'other fibers of the parent never run in the child' do
    expect(lines(<<~'RUBY').sort).to eq(['child', 'other true', 'status 0'])
      parent = Process.pid
      Fiber.schedule { sleep 0.05; report("other #{Process.pid == parent}") }
      Fiber.schedule do
        pid = fork { sleep 0.1; report('child') }
        report("status #{status(pid)}")
      end
    RUBY
  end

  it 'ensure blocks of other fibers do not run in the child' do
    expect(lines(<<~'RUBY').sort).to eq(['ensure true', 'status 0'])
      parent = Process.pid
      Fiber.schedule do
        sleep 0.05
      ensure
        report("ensure #{Process.pid == parent}")
      end
      Fiber.schedule { fork { sleep 0.01 }.then { |pid| report("status #{status(pid)}") } }
    RUBY
  end

  it 'an error in the child is printed there and gives it status 1; the parent is unharmed' do
    run = forking("Fiber.schedule { fork { raise 'broken child' }.then { |pid| report(\"status \#{status(pid)}\") } }")
    expect(run.output).to match(/broken child \(RuntimeError\).*status 1/m)
    expect(run.output.scan('broken child (RuntimeError)').size).to eq(1)
    expect(run.status).to be_success
  end

  { 'exit' => 0, 'exit 7' => 7, 'abort' => 1, 'exit! 9' => 9, 'exit false' => 1, 'Process.kill(:TERM, $$); sleep' => nil }
    .each do |ending, status|
    it "a child that ends with `#{ending}` has the status #{status.inspect}" do
      expect(lines("Fiber.schedule { report(status(fork { #{ending} }).inspect) }")).to eq([status.inspect])
    end
  end

  it 'from the root fiber, with fibers waiting' do
    expect(lines(<<~'RUBY')).to eq(['child', 'status 3', 'fiber'])
      Fiber.schedule { sleep 0.1; report('fiber') }
      pid = fork { report('child'); exit 3 }
      report("status #{status(pid)}")
    RUBY
  end

  it 'the child can wait: sleep, pipes, queues and children of its own' do
    expect(lines(<<~'RUBY')).to eq(%w[slept hello queued 5 done])
      reader, writer = IO.pipe
      Fiber.schedule do
        pid = fork do
          sleep 0.01
          report('slept')
          report(reader.gets.chomp)
          queue = Queue.new
          Thread.new { queue << 'queued' }
          report(queue.pop)
          report(status(fork { exit 5 }))
        end
        writer.puts('hello')
        Process.wait2(pid).last.success? and report('done')
      end
    RUBY
  end

  it 'a child that was forked in a fiber can schedule fibers' do
    expect(lines(<<~'RUBY')).to eq(['2', '1', 'status 0'])
      Fiber.schedule do
        pid = fork do
          Fiber.set_scheduler(Polyphony::Scheduler.new) unless Fiber.scheduler
          Fiber.schedule { sleep 0.02; report(1) }
          Fiber.schedule { sleep 0.01; report(2) }
        end
        report("status #{status(pid)}")
      end
    RUBY
  end

  it 'a child can set a scheduler of its own on a new thread' do
    expect(lines(<<~'RUBY')).to eq(%w[fiber 0])
      Fiber.schedule do
        pid = fork do
          Thread.new do
            Fiber.set_scheduler(Polyphony::Scheduler.new)
            Fiber.schedule { sleep 0.01; report('fiber') }
          end.join
        end
        report(status(pid))
      end
    RUBY
  end

  it 'descriptors that parent and child both wait for wake in both' do
    expect(lines(<<~'RUBY').sort).to eq(['child EOF', 'parent EOF', 'status 0'])
      reader, writer = IO.pipe
      Fiber.schedule { report("parent #{reader.read.empty? && 'EOF'}") }
      Fiber.schedule do
        pid = fork { writer.close; report("child #{reader.read.empty? && 'EOF'}") }
        writer.close
        report("status #{status(pid)}")
      end
    RUBY
  end

  it 'many children at once, each with its own status' do
    expect(lines(<<~'RUBY').map(&:to_i)).to match_array(0...10)
      10.times { |i| Fiber.schedule { report(status(fork { sleep 0.01; exit i })) } }
    RUBY
  end

  it 'the child collects garbage safely, though other threads of the parent had fibers that waited' do
    run = script(<<~'RUBY')
      ready = Queue.new
      5.times do
        Thread.new do
          Fiber.set_scheduler(Polyphony::Scheduler.new)
          20.times { Fiber.schedule { (ready << true) and sleep } }
          Fiber.schedule { IO.pipe.first.gets }
        end
      end
      100.times { ready.pop }
      pid = fork do
        # Uses the memory that those fibers' stacks had.
        deep = ->(n) { Array.new(10) { 'x' * n } and n.zero? || deep.call(n - 1) }
        20.times { Thread.new { 10.times { Fiber.new { deep.call(100) }.resume } }.join and GC.start }
        exit! 3
      end
      puts Process.wait2(pid).last.inspect[/exit 3|SIG\w+/]
      exit!
    RUBY
    expect(run.output.lines.last).to eq("exit 3\n")
  end

  it 'exec in a child' do
    expect(lines("Fiber.schedule { report(status(fork { exec('exit 3') })) }")).to eq(['3'])
  end

  it 'Process.daemon keeps the fiber that asked for it' do
    run = forking(<<~'RUBY')
      reader, writer = IO.pipe
      fork do
        reader.close
        Fiber.schedule do
          Process.daemon(true, true)
          sleep 0.01
          writer.puts('daemon')
        end
      end
      writer.close
      report(reader.read)
      Process.wait
    RUBY
    expect(run.output).to start_with("daemon\n")
  end

  it 'at_exit handlers of the parent run once in each process that exits, as ever' do
    run = forking(<<~'RUBY')
      at_exit { report("at_exit #{Process.pid == $parent}") }
      $parent = Process.pid
      Fiber.schedule { status(fork { exit 0 }) }
    RUBY
    expect(run.output.lines(chomp: true)).to eq(['at_exit false', 'at_exit true'])
  end
end
