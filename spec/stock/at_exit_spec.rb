# frozen_string_literal: true

require_relative '../support/stock'

# How a process ends whose main thread has the scheduler.
RSpec.describe 'exit and at_exit with fibers', :stock do
  def run(code)
    script("Fiber.set_scheduler(Polyphony::Scheduler.new)\n#{code}")
  end

  it 'fibers started with Fiber.schedule finish before the process ends, and before at_exit' do
    result = run(<<~'RUBY')
      at_exit { puts 'at_exit' }
      Fiber.schedule { sleep 0.01; puts 'fiber' }
      puts 'main'
    RUBY
    expect([result.output, result.status.exitstatus]).to eq(["main\nfiber\nat_exit\n", 0])
  end

  it 'there is no scheduler in at_exit; a handler may block' do
    result = run(<<~'RUBY')
      at_exit { puts Fiber.scheduler.inspect; sleep 0.01; puts 'slept' }
    RUBY
    expect(result.output).to eq("nil\nslept\n")
  end

  it 'at_exit handlers run in reverse order, also those that a fiber added' do
    result = run(<<~'RUBY')
      at_exit { puts 1 }
      Fiber.schedule { sleep 0.01; at_exit { puts 2 } }
    RUBY
    expect(result.output).to eq("2\n1\n")
  end

  { 'exit' => 0, 'exit 7' => 7, 'exit false' => 1, 'abort "bad"' => 1, 'raise "bad"' => 1, 'exit! 9' => 9 }
    .each do |ending, status|
      it "`#{ending}` in a fiber gives the process the status #{status}" do
        expect(run("Fiber.schedule { #{ending} }\nsleep 0.01").status.exitstatus).to eq(status)
      end

      it "`#{ending}` in a fiber that has waited gives the process the status #{status}" do
        expect(run("Fiber.schedule { sleep 0.01; #{ending} }").status.exitstatus).to eq(status)
      end

      it "`#{ending}` in the main program, with fibers waiting, gives the process the status #{status}" do
        expect(run("Fiber.schedule { sleep 0.01 }\n#{ending}").status.exitstatus).to eq(status)
      end
    end

  it 'an error that no fiber rescues is printed once' do
    result = run("Fiber.schedule { sleep 0.01; raise IOError, 'broken fiber' }")
    expect(result.output.scan('broken fiber (IOError)').size).to eq(1)
    expect(result.status.exitstatus).to eq(1)
  end

  it 'an error of one fiber runs the ensure blocks of the others' do
    result = run(<<~'RUBY')
      Fiber.schedule do
        sleep 60
      ensure
        puts 'ensure'
      end
      Fiber.schedule { sleep 0.01; raise IOError, 'broken fiber' }
    RUBY
    expect(result.output).to include("ensure\n", 'broken fiber (IOError)')
  end

  it 'an at_exit handler still decides the status' do
    expect(run("at_exit { exit 5 }\nFiber.schedule { sleep 0.01 }").status.exitstatus).to eq(5)
  end

  it 'an at_exit handler sees the error in $!' do
    result = run("at_exit { puts \"seen \#{$!.message}\" }\nFiber.schedule { sleep 0.01 }\nraise 'main broke'")
    expect(result.output).to include('seen main broke')
  end

  it 'END blocks, Kernel#warn and a flush of $stdout work after the fibers' do
    result = run("END { puts 'END' }\n$stdout.sync = false\nFiber.schedule { sleep 0.01; print 'fiber '; warn 'warned' }")
    expect(result.output).to include('warned').and include('fiber END')
  end

  it 'threads that still run are killed, as ever' do
    result = run("Thread.new { sleep 60 }\nThread.pass\nFiber.schedule { sleep 0.01; puts 'fiber' }")
    expect([result.output, result.status.exitstatus]).to eq(["fiber\n", 0])
  end

  it 'a fiber that waits for nothing that can come ends in an error, not in a hang' do
    result = run('Fiber.schedule { Queue.new.pop }')
    expect(result.output).to match(/Polyphony::Deadlock/)
    expect(result.status.exitstatus).to eq(1)
  end
end
