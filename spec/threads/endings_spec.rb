# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'the end of a thread' do
  # A thread with a main fiber and a child, both waiting, and who awaits them from other threads.
  def watched(log)
    thread = Polyphony::Thread.new do
      Thread.current.report_on_exception = false
      log << Polyphony.spin { ensured(log, :child) }
      ensured(log, :main)
    end
    fibers = [log.pop, thread.main_fiber]
    2.times { log.pop }
    [thread, fibers, fibers.map { |fiber| Polyphony.thread { error_of { fiber.await } } }]
  end

  def ensured(log, what)
    log << :ready
    Polyphony.suspend
  ensure
    sleep 0.001
    log << what
  end

  # How the awaiters of child and main fiber ended: an error, or nil.
  def ended(thread, fibers, waiters, log)
    thread.join
    expect(Array.new(log.size) { log.pop }).to contain_exactly(:main, :child)
    expect(fibers.map(&:alive?)).to eq([false, false])
    waiters.map { |waiter| waiter.value&.class }
  end

  it 'by Thread#kill: fibers end with their ensure blocks; who awaits them gets nil, as from Thread#value' do
    10.times do
      thread, fibers, waiters = watched(log = Queue.new)
      thread.kill
      expect(ended(thread, fibers, waiters, log)).to eq([nil, nil])
      expect(thread.value).to be_nil
      expect(error_of { fibers.last << 1 }).to be_a(Polyphony::DeadFiber)
    end
  end

  it 'by Thread#raise: the error is that of its main fiber' do
    thread, fibers, waiters = watched(log = Queue.new)
    thread.raise(IOError, 'from outside')
    expect(error_of { thread.join }).to be_a(IOError)
    expect(waiters.map { |waiter| waiter.value&.class }).to eq([nil, IOError])
    expect(fibers.map(&:alive?)).to eq([false, false])
    expect(Array.new(log.size) { log.pop }).to contain_exactly(:main, :child)
  end

  it 'by an error of a child: the main fiber ends with it' do
    thread, fibers, waiters = watched(log = Queue.new)
    fibers.first.raise(IOError, 'in the child')
    expect(error_of { thread.join }).to be_a(IOError)
    expect(waiters.map { |waiter| waiter.value&.class }).to eq([IOError, IOError])
    expect(Array.new(log.size) { log.pop }).to contain_exactly(:main, :child)
  end

  it 'by a kill that comes before its block begins: its main fiber has ended, too' do
    100.times do
      thread = Polyphony::Thread.new { Polyphony.suspend }
      fiber = thread.main_fiber
      thread.kill
      expect(fiber.await).to be_nil
      expect(thread.join).to equal(thread)
    end
  end

  it 'by a kill right at its start leaves nobody waiting for a main fiber' do
    threads = Array.new(100) { Polyphony::Thread.new { Polyphony.suspend }.kill }
    expect(threads.map { |thread| thread.main_fiber.await }.uniq).to eq([nil])
    expect(threads.map { |thread| thread.join.status }.uniq).to eq([false])
  end

  it 'wakes a root fiber, main fibers and spun fibers of any thread that await it' do
    log = Queue.new
    thread = Polyphony::Thread.new { (log << 1) and Polyphony.suspend }
    log.pop
    fiber = thread.main_fiber
    waiters = [Thread.new { fiber.await }, Polyphony.thread { fiber.await }, Polyphony.thread { Polyphony.spin { fiber.await }.await },
               Polyphony.thread { Polyphony::Fiber.await(fiber).first }, Polyphony.thread { Polyphony::Fiber.select(fiber).last }]
    Thread.pass until waiters.all?(&:stop?)
    fiber.stop(:done)
    expect(waiters.map(&:value)).to eq([:done] * 5)
  end

  describe 'the error is' do
    # @return [Array(String, String, Process::Status)]
    def program(body)
      run_ruby("require 'polyphony/core'\n$stdout.sync = true\n#{body}\n")
    end

    it 'printed once when nobody asks for it, although children and main fiber have it' do
      out, err, status = program(<<~RUBY)
        thread = Polyphony::Thread.new(name: 'failing') { Polyphony.spin { raise IOError, 'once' } and Polyphony.suspend }
        begin
          thread.join
        rescue IOError
          puts 'rescued'
        end
      RUBY
      expect([out, status.exitstatus]).to eq(["rescued\n", 0])
      expect(err.scan('once (IOError)').size).to eq(1)
      expect(err).to include('failing', 'terminated with exception', 'spun at')
    end

    it 'not printed with report_on_exception = false' do
      out, err, status = program(<<~RUBY)
        thread = Polyphony::Thread.new { Thread.current.report_on_exception = false; raise IOError, 'quiet' }
        thread.join rescue puts($!.message)
      RUBY
      expect([out, err, status.exitstatus]).to eq(["quiet\n", '', 0])
    end

    it 'raised in the main fiber with abort_on_exception, once' do
      out, err, status = program(<<~RUBY)
        Polyphony.run do
          thread = Polyphony::Thread.new do
            Thread.current.report_on_exception = false
            Thread.current.abort_on_exception = true
            raise IOError, 'aborts'
          end
          begin
            Polyphony.suspend
          rescue IOError => e
            puts "main: \#{e.message}"
          end
          Polyphony.snooze
          thread.join rescue puts("join: \#{$!.message}")
        end
      RUBY
      expect([out, err, status.exitstatus]).to eq(["main: aborts\njoin: aborts\n", '', 0])
    end

    it 'SystemExit by exit in any fiber of it: the process ends with that status, ensure blocks run' do
      out, err, status = program(<<~RUBY)
        Polyphony.run do
          Polyphony.thread do
            Polyphony.spin { exit 6 }
            Polyphony.suspend
          ensure
            puts 'thread'
          end
          Polyphony.suspend
        ensure
          puts 'main'
        end
      RUBY
      expect([out, err, status.exitstatus]).to eq(["thread\nmain\n", '', 6])
    end
  end

  describe 'by the end of the program' do
    %w[Polyphony.run plain].each do |main|
      it "(#{main} main fiber): fibers end with their ensure blocks, which may wait" do
        body = <<~RUBY
          ready = Queue.new
          Polyphony::Thread.new do
            Polyphony.spin do
              ready << 1
              Polyphony.suspend
            ensure
              sleep 0.001
              puts 'child'
            end
            ready << 1
            Polyphony.suspend
          ensure
            sleep 0.001
            puts 'main'
          end
          2.times { ready.pop }
        RUBY
        body = "Polyphony.run do\n#{body}end\n" if main == 'Polyphony.run'
        out, err, status = run_ruby("require 'polyphony/core'\n$stdout.sync = true\n#{body}at_exit { puts 'at_exit' }\n")
        expect([out.lines(chomp: true).sort, err, status.exitstatus]).to eq([%w[at_exit child main], '', 0])
      end
    end

    it 'with an error in main' do
      out, err, status = run_ruby(<<~RUBY)
        require 'polyphony/core'
        ready = Queue.new
        Polyphony::Thread.new do
          ready << 1
          Polyphony.suspend
        ensure
          $stdout.syswrite("ensure\\n")
        end
        ready.pop
        raise 'in main'
      RUBY
      expect([out, status.exitstatus]).to eq(["ensure\n", 1])
      expect(err.scan('in main (RuntimeError)').size).to eq(1)
    end
  end
end
