# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'unusual ends' do
  # The block in a spun fiber of a child process, under Polyphony.run.
  def program(body)
    run_ruby("require 'polyphony/core'\n$stdout.sync = true\nPolyphony.run do\n#{body}\nend\nputs 'went on'\n")
  end

  it 'SystemExit in a fiber unwinds all fibers and ends the program with its status' do
    out, err, status = program(<<~RUBY)
      Polyphony.spin do
        Polyphony.suspend
      ensure
        puts 'ensured'
      end
      Polyphony.spin { exit 4 }
      Polyphony.suspend
    RUBY
    expect([out, err, status.exitstatus]).to eq(["ensured\n", '', 4])
  end

  it 'abort in a fiber prints its message' do
    out, err, status = program("Polyphony.spin { abort 'enough' }\nPolyphony.suspend")
    expect([out, err, status.exitstatus]).to eq(['', "enough\n", 1])
  end

  it 'exit! in a fiber ends the process at once' do
    _, _, status = program("Polyphony.spin { exit! 6 }\nPolyphony.suspend")
    expect(status.exitstatus).to eq(6)
  end

  it 'NoMemoryError in a fiber goes up as any error, and can be rescued' do
    out, err, status = program(<<~RUBY)
      fiber = Polyphony.spin { raise NoMemoryError, 'none left' }
      begin
        fiber.await
      rescue NoMemoryError => e
        puts e.message
      end
      Polyphony.spin { raise NoMemoryError, 'again' }
      Polyphony.suspend
    RUBY
    expect([out, status.exitstatus]).to eq(["none left\n", 1])
    expect(err).to include('again (NoMemoryError)')
  end

  it 'SystemStackError in a fiber is one fiber\'s affair' do
    out, = program(<<~RUBY)
      def deeper(n) = deeper(n + 1) + 1
      fiber = Polyphony.spin { deeper(0) }
      begin
        fiber.await
      rescue SystemStackError => e
        puts e.class
      end
    RUBY
    expect(out).to eq("SystemStackError\nwent on\n")
  end

  it 'throw, return and break out of a fiber are errors that say so' do
    out, err, = program(<<~RUBY)
      def returns = Polyphony.spin { return 1 }
      fibers = [Polyphony.spin { throw :nowhere }, Polyphony.spin { break }, returns]
      fibers.each do |fiber|
        fiber.await
      rescue UncaughtThrowError, LocalJumpError => e
        puts e.class
      end
    RUBY
    expect([out, err]).to eq(["UncaughtThrowError\nLocalJumpError\nLocalJumpError\nwent on\n", ''])
  end

  describe 'exceptions inside ensure during stop', :fibers do
    it 'reach who stops, and the other children end all the same' do
      others = Array.new(3) { waiting { suspend } }
      failing = waiting do
        suspend
      ensure
        raise IOError
      end
      expect(error_of { failing.stop }).to be_a(IOError)
      others.each(&:stop)
      expect(others.map(&:alive?)).to eq([false] * 3)
    end

    it 'in several children: the first is raised in the parent and keeps the others' do
      parent = spin do
        3.times { |i| waiting { begin; suspend; ensure; raise "child #{i}"; end } }
        snooze
      end
      raised = error_of { parent.await }
      expect([raised, *Polyphony.suppressed(raised)].map(&:message)).to eq(['child 0', 'child 1', 'child 2'])
    end

    it 'that wait, and then fail, are waited for' do
      fiber = waiting do
        suspend
      ensure
        2.times { snooze }
        raise IOError
      end
      expect(error_of { fiber.stop }).to be_a(IOError)
      expect(fiber).not_to be_alive
    end
  end

  describe 'a thread full of fibers' do
    def full_thread(log)
      Polyphony::Thread.new do
        ::Thread.current.report_on_exception = false
        reader, writer = IO.pipe
        waits = [-> { sleep }, -> { Polyphony.receive }, -> { reader.read }, -> { Queue.new.pop }, -> { Polyphony.suspend },
                 -> { Polyphony.spin { Polyphony.suspend }.await }, -> { loop { Polyphony.snooze } }]
        fibers = waits.map do |wait|
          Polyphony.spin do
            wait.call
          ensure
            log << :ended
          end
        end
        Polyphony.snooze
        log << :ready
        fibers.first.await
      ensure
        log << :main_ended
        [reader, writer].each(&:close)
      end
    end

    it 'ends them all by Thread#kill' do
      5.times do
        log = Queue.new
        thread = full_thread(log)
        log.pop
        expect(thread.kill.join(30)).to equal(thread)
        expect(Array.new(log.size) { log.pop }.tally).to eq(ended: 7, main_ended: 1)
      end
    end

    it 'ends them all by Thread#raise, which goes to its main fiber' do
      5.times do
        log = Queue.new
        thread = full_thread(log)
        log.pop
        thread.raise(IOError, 'from outside')
        expect(error_of { thread.value }).to be_a(IOError)
        expect(Array.new(log.size) { log.pop }.tally).to eq(ended: 7, main_ended: 1)
      end
    end

    it 'goes on when its main fiber rescues what Thread#raise raised' do
      ready = Queue.new
      thread = Polyphony::Thread.new do
        Polyphony.spin { loop { Polyphony.snooze } }
        begin
          ready << 1
          Polyphony.suspend
        rescue IOError => e
          e.message
        end
      end
      ready.pop
      thread.raise(IOError, 'from outside')
      expect(thread.value).to eq('from outside')
    end

    it 'tells those who await its fibers when it is killed' do
      fibers = Queue.new
      thread = Polyphony::Thread.new do
        fibers << Polyphony.spin { Polyphony.suspend } << Polyphony.current
        Polyphony.suspend
      end
      watched = [fibers.pop, fibers.pop]
      waiters = watched.map { |fiber| Thread.new { fiber.await } }
      thread.kill.join
      expect(waiters.map(&:value)).to eq([nil, nil])
      expect(watched.map(&:state)).to eq(%i[dead dead])
    end

    it 'survives Thread.exit in one of its fibers as Ruby has it: the thread ends' do
      log = Queue.new
      thread = Polyphony::Thread.new do
        Polyphony.spin { Thread.exit }
        Polyphony.suspend
      ensure
        log << :main_ended
      end
      expect(thread.join(30)).to equal(thread)
      expect(log.pop).to eq(:main_ended)
    end
  end
end
