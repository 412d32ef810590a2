# frozen_string_literal: true

require_relative '../support/stock'

# Signals belong to a process, so each example has one, with the scheduler on its main thread. "ready" is printed when
# the other fibers and the main program wait.
RSpec.describe 'Signals beside fibers that wait', :stock do
  def signalled(signal, code)
    script(<<~RUBY) do |process|
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      #{code}
      Fiber.schedule { give_way and puts 'ready' }
    RUBY
      process.gets
      Process.kill(signal, process.pid)
    end
  end

  it 'a trap handler runs while every fiber waits, and may wake one with a queue' do
    run = signalled(:USR1, <<~'RUBY')
      queue = Queue.new
      trap(:USR1) { queue << 'handled' }
      Fiber.schedule { puts queue.pop }
    RUBY
    expect([run.output, run.status.success?]).to eq(["ready\nhandled\n", true])
  end

  it 'a trap handler may write to a pipe that a fiber reads' do
    run = signalled(:USR1, <<~'RUBY')
      reader, writer = IO.pipe
      trap(:USR1) { writer.puts('handled') }
      Fiber.schedule { puts reader.gets }
    RUBY
    expect([run.output, run.status.success?]).to eq(["ready\nhandled\n", true])
  end

  it 'a trap handler runs beside a fiber that never waits for anything but its turn' do
    run = signalled(:USR1, <<~'RUBY')
      handled = false
      trap(:USR1) { handled = true }
      Fiber.schedule { sleep 0 until handled; puts 'handled' }
    RUBY
    expect([run.output, run.status.success?]).to eq(["ready\nhandled\n", true])
  end

  it 'a handler that runs during a wait does not end it' do
    run = signalled(:USR1, <<~'RUBY')
      reader, writer = IO.pipe
      handled = Queue.new
      trap(:USR1) { handled << 'handled ' }
      Fiber.schedule { puts reader.gets }
      Fiber.schedule { writer.puts "#{handled.pop} #{sleep 0} data" }
    RUBY
    expect(run.output).to eq("ready\nhandled  0 data\n")
  end

  it 'a process that only waits for a signal may do so' do
    run = signalled(:USR1, <<~'RUBY')
      trap(:USR1) { exit 3 }
      Fiber.schedule { sleep }
    RUBY
    expect([run.output, run.status.exitstatus]).to eq(["ready\n", 3])
  end

  it 'Interrupt ends the program as it ends a plain one: ensure blocks run, and it dies of SIGINT' do
    run = signalled(:INT, <<~'RUBY')
      2.times do |i|
        Fiber.schedule do
          sleep 60
        ensure
          puts "ensure #{i}"
        end
      end
    RUBY
    expect(run.output).to include("ensure 0\n", "ensure 1\n")
    expect([run.status.exitstatus, run.status.termsig]).to eq([nil, Signal.list['INT']])
  end

  it 'SIGTERM ends the program: ensure blocks run, and it dies of SIGTERM' do
    run = signalled(:TERM, <<~'RUBY')
      Fiber.schedule do
        sleep 60
      ensure
        puts 'ensure'
      end
    RUBY
    expect(run.output).to include("ensure\n")
    expect(run.status.termsig).to eq(Signal.list['TERM'])
  end

  { 'raise Interrupt' => nil, 'exit 3' => 3, 'raise SignalException, :TERM' => nil }.each do |ending, status|
    it "`#{ending}` at the end of the main program does not wait for fibers: their ensure blocks run at once" do
      run = script(<<~RUBY)
        Fiber.set_scheduler(Polyphony::Scheduler.new)
        Fiber.schedule do
          sleep
        ensure
          puts 'ensure'
        end
        #{ending}
      RUBY
      expect(run.output).to start_with("ensure\n")
      expect(run.status.exitstatus).to eq(status)
    end
  end

  it 'Interrupt that the main program rescues: fibers go on' do
    run = script(<<~'RUBY') { |process| process.gets and Process.kill(:INT, process.pid) }
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      queue = Queue.new
      Fiber.schedule { puts queue.pop }
      begin
        puts 'ready'
        sleep
      rescue Interrupt
        puts 'rescued'
      end
      queue << 'fiber'
    RUBY
    expect([run.output, run.status.success?]).to eq(["ready\nrescued\nfiber\n", true])
  end

  it 'a fiber may signal its own process' do
    run = script(<<~'RUBY')
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      queue = Queue.new
      trap(:USR2) { queue << 'handled' }
      Fiber.schedule { Process.kill(:USR2, Process.pid) and puts queue.pop }
    RUBY
    expect([run.output, run.status.success?]).to eq(["handled\n", true])
  end

  it 'Mutex#lock in a trap handler raises ThreadError, as ever' do
    run = signalled(:USR1, <<~'RUBY')
      queue = Queue.new
      trap(:USR1) do
        Mutex.new.lock
      rescue ThreadError => e
        queue << e.class
      end
      Fiber.schedule { puts queue.pop }
    RUBY
    expect(run.output).to eq("ready\nThreadError\n")
  end

  it 'a hundred signals in a row lose no fiber' do
    run = script(<<~'RUBY')
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      trap(:USR1) { nil }
      reader, writer = IO.pipe
      got = 0
      Fiber.schedule { 100.times { reader.readpartial(1) and got += 1 } and puts got }
      Fiber.schedule { 100.times { Process.kill(:USR1, $$) and writer.write('x') and sleep(0) } }
    RUBY
    expect([run.output, run.status.success?]).to eq(["100\n", true])
  end
end
