# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'fork beside threads' do
  # Runs +body+ under Polyphony.run in a process of its own; `status(pid)` is the child's exit status or signal.
  def program(body)
    out, err, status = run_ruby(<<~RUBY)
      require 'polyphony/core'
      $stdout.sync = true
      def status(pid) = Process.wait2(pid).last.then { |ended| ended.exitstatus || Signal.signame(ended.termsig) }
      Polyphony.run do
        #{body}
      end
    RUBY
    expect([err, status.exitstatus]).to eq(['', 0])
    out.lines(chomp: true)
  end

  it 'by a fiber of a thread: the child ends by a signal, with ensure blocks; the parent goes on' do
    expect(program(<<~RUBY)).to eq(%w[ensured TERM true])
      thread = Polyphony.thread do
        reader, writer = IO.pipe
        pid = fork do
          Polyphony.spin { sleep }
          writer << '.'
          sleep
        ensure
          puts 'ensured'
        end
        reader.read(1)
        Process.kill(:TERM, pid)
        status(pid)
      end
      puts thread.await, Polyphony.current.alive?
    RUBY
  end

  { 'exit 5' => '5', "abort ''" => '1', 'nil' => '0', 'exit! 6' => '6' }.each do |ending, status|
    it "by a thread: `#{ending}` gives the child the status #{status}" do
      expect(program("puts Polyphony.thread { status(fork { $stderr.reopen($stdout) and sleep(0.001) and #{ending} }) }.await").last).to eq(status)
    end
  end

  it 'tells handles of other threads that these stayed in the parent' do
    expect(program(<<~RUBY)).to eq(%w[DeadFiber DeadFiber DeadFiber DeadFiber DeadFiber false 7 received])
      thread = Polyphony.thread { Polyphony.receive }
      fiber = thread.main_fiber
      pid = fork do
        [-> { fiber.await }, -> { fiber << 1 }, -> { thread << 1 }, -> { thread.await }, -> { thread.stop }].each do |use|
          use.call
        rescue Polyphony::Error => e
          puts e.class.name.split('::').last
        end
        puts fiber.alive?
        exit! 7
      end
      puts status(pid), (thread << :received).await
    RUBY
  end

  it 'by a plain thread: fibers of others are gone there, and new ones can be spun' do
    expect(program(<<~RUBY)).to eq(%w[gone new 0])
      fiber = Polyphony.spin { Polyphony.suspend }
      Polyphony.snooze
      child = lambda do
        begin
          fiber.await
        rescue Polyphony::DeadFiber
          puts 'gone'
        end
        puts Polyphony.run { Polyphony.spin { :new }.await }
      end
      puts Thread.new { status(fork(&child)) }.value
      fiber.stop
    RUBY
  end

  it 'gives the child threads, thread pools and registered names of its own' do
    expect(program(<<~RUBY)).to eq(%w[thread pool nil 3 pool true])
      pool = Polyphony::ThreadPool.new(1)
      pool.process { nil }
      service = Polyphony.spin(:service) { Polyphony.suspend }
      Polyphony.register(:service, service)
      Polyphony.snooze
      pid = fork do
        puts Polyphony.thread { Polyphony.spin { :thread }.await }.await
        puts pool.process { :pool }, Polyphony[:service].inspect
        exit 3
      end
      puts status(pid), pool.process { :pool }, Polyphony[:service].alive?
      service.stop
    RUBY
  end

  it 'in a job of a thread pool' do
    expect(program("puts Polyphony::ThreadPool.new(1).process { status(fork { puts Polyphony.run { :child } }) }")).to eq(%w[child 0])
  end
end
