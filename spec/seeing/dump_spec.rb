# frozen_string_literal: true

require_relative '../support/fibers'
require_relative '../support/child_program'

RSpec.describe 'Polyphony.dump', :fibers do
  it 'is the tree with a backtrace of each fiber, and the figures' do
    line = __LINE__ + 1
    fiber = waiting(:dumped) { [1].each { Polyphony.receive } }
    text = Polyphony.dump
    place = "#{__FILE__.delete_prefix("#{Dir.pwd}/")}:#{line}"
    expect(text.lines.first).to match(/\Apolyphony dump: .*process #{Process.pid}, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}, ruby #{RUBY_VERSION}/)
    expect(text).to match(/^thread main, backend=libev fibers=\d+ .*longest_run=\d+\.\d{3}/)
    at = text.lines.index { |one| one.start_with?("    dumped waiting on receive  #{place}") }
    expect(text.lines[at + 1, 8].take_while { |one| one.include?('|') }.join).to match(/\A        \| #{Regexp.escape(place)}:in .*block/).and include("each'")
    expect(text).to end_with("\npolyphony dump: end\n")
    fiber.stop
  end

  it 'has no frames of ours, and no more of the others than asked for' do
    deep = ->(n) { n.zero? ? receive : deep.(n - 1) }
    fiber = waiting(:deep) { deep.(50) }
    counts = [8, 3].map do |frames|
      lines = Polyphony.dump(frames: frames).lines
      lines.drop(lines.index { |one| one.include?('deep waiting') } + 1).take_while { |one| one.start_with?('        |') }.size
    end
    expect(counts).to eq([8, 3])
    expect(Polyphony.dump.lines.grep(%r{\| lib/polyphony/})).to eq([])
    fiber.stop
  end

  it 'shows where a nested fiber waits, and an Enumerator' do
    line = __LINE__ + 1
    nested = lambda do
      Polyphony.receive
    end
    fibers = [waiting { Fiber.new { nested.call }.resume }, waiting { Enumerator.new { |y| y << nested.call }.each { nil } }]
    frames = Polyphony.dump.scan(/\| \S+dump_spec\.rb:(\d+):in /).flatten.map { |number| number.to_i - line }
    expect(frames.select { |number| [1, 3].include?(number) }.chunk_while { |_, number| number > 1 }.map(&:uniq)).to eq([[1, 3]] * 2)
    expect(Polyphony.dump.scan(/:#{line + 3}:in .*resume/).size).to eq(1)
    fibers.each(&:stop)
  end

  it 'has threads without fibers' do
    queue = Queue.new
    line = __LINE__ + 1
    thread = Thread.new { queue.pop }
    thread.name = 'plain'
    Thread.pass until thread.status == 'sleep'
    expect(Polyphony.dump).to match(/^thread plain, no fibers\n    \| \S+:#{line}:in .*pop'/)
    queue << 1
    thread.join
  end

  it 'has the fibers of all threads' do
    queue = Queue.new
    thread = Polyphony::Thread.new(name: 'far') { Polyphony.spin(:there) { Polyphony.receive }; Polyphony::Scheduler.wait_all_blocked; queue << 1; Polyphony.suspend }
    queue.pop
    expect(Polyphony.dump).to match(/^thread far, backend=libev fibers=2 .*^    there waiting on receive/m)
  ensure
    thread&.stop
  end

  it 'fits a narrow terminal' do
    waiting('a fiber with a rather long name') { receive }
    long = Polyphony.dump(width: 40).lines.map(&:chomp).reject { |line| line.size <= 40 || line.strip.count(' ') < 2 }
    expect(long).to eq([])
  end

  it 'is made by a thread without a scheduler, too' do
    # In a process of its own: earlier examples may have left schedulers of this thread to the collector.
    out, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        p Thread.new { [Polyphony.dump.lines.grep(/^thread main, backend/).size, Fiber.scheduler] }.value
      end
    RUBY
    expect(out).to eq("[1, nil]\n")
  end

  it 'refuses sizes that are none' do
    expect { Polyphony.dump(frames: 0) }.to raise_error(ArgumentError, /frames/)
  end
end

RSpec.describe 'Polyphony.dump_on' do
  it 'dumps when the signal comes, while all fibers wait, and the program goes on' do
    run_program(<<~RUBY) do |program|
      require 'polyphony'
      Polyphony.dump_on
      main = Polyphony.current
      spin(:sleeper) { snooze until main.waiting_on; puts 'ready'; suspend }
      puts "got \#{gets}"
    RUBY
      program.wait_for(/ready/)
      program.signal(:QUIT)
      program.wait_for(/polyphony dump: end/)
      expect(program.output).to match(/^  main waiting on io_read fd 0 IO  \(polyphony\)\n      \| \S+:5:in .*gets'$/)
      expect(program.output).to match(/:5:in .*<main>'$/)
      expect(program.output).to match(/^    sleeper (running|waiting on sleep)  \S+:4\n        \| \S+:4:in/)
      program.type('on')
      program.wait_for(/got on/)
      expect(program.status.exitstatus).to eq(0)
    end
  end

  it 'dumps while a fiber computes, with the line it is at' do
    run_program(<<~RUBY) do |program|
      require 'polyphony/core'
      Polyphony.dump_on('SIGQUIT', io: $stdout)
      done = false
      trap(:USR1) { done = true }
      def compute(n)
        n + 1
      end
      Polyphony.run do
        Polyphony.spin(:busy) do
          i = 0
          until done
            puts 'ready' if (i = compute(i)) == 2
          end
        end.await
        puts 'done'
      end
    RUBY
      program.wait_for(/ready/)
      program.signal(:QUIT)
      program.wait_for(/polyphony dump: end/)
      expect(program.output).to match(/^    busy running  \S+:9\n        \| \S+:\d+:in /)
      program.signal(:USR1)
      program.wait_for(/^done/)
      expect(program.status.exitstatus).to eq(0)
    end
  end

  it 'writes what was asked for right before the program ends' do
    out, err, status = run_ruby(<<~RUBY)
      require 'polyphony'
      Polyphony.dump_on(:QUIT)
      Process.kill(:QUIT, Process.pid)
    RUBY
    expect([out, status.exitstatus]).to eq(['', 0])
    expect(err).to match(/\Apolyphony dump: .*polyphony dump: end\n\z/m)
  end

  it 'calls the handler that the program had, after it' do
    _, err, status = run_ruby(<<~RUBY)
      require 'polyphony/core'
      trap(:QUIT) { |number| $stderr.puts "mine \#{number}" }
      Polyphony.dump_on
      Polyphony.run { Process.kill(:QUIT, Process.pid); sleep 0 }
    RUBY
    expect(err).to include("mine #{Signal.list['QUIT']}\n", 'polyphony dump: end')
    expect(status.exitstatus).to eq(0)
  end

  it 'puts back what was there before, but nothing over a handler set since' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      mine = proc {}
      trap(:QUIT, mine)
      first = Polyphony.dump_on
      p first
      first.stop
      first.stop
      p first, trap(:QUIT, 'DEFAULT').equal?(mine)
      second = Polyphony.dump_on
      trap(:QUIT, mine)
      second.stop
      p trap(:QUIT, 'DEFAULT').equal?(mine)
      third = Polyphony.dump_on
      third.stop
      p trap(:QUIT, 'DEFAULT')
    RUBY
    expect([out, err]).to eq([<<~OUT, ''])
      #<Polyphony::Dump::Handler QUIT>
      #<Polyphony::Dump::Handler QUIT stopped>
      true
      true
      "DEFAULT"
    OUT
  end

  it 'leaves the signal to main as it was once it is off' do
    _, err, status = run_ruby(<<~RUBY)
      require 'polyphony'
      dump = Polyphony.dump_on('TERM')
      Process.kill(:TERM, Process.pid)
      snooze
      dump.stop
      begin
        Process.kill(:TERM, Process.pid)
        sleep
      rescue SignalException => e
        warn e.message
      end
    RUBY
    expect(err.scan(/polyphony dump: end/).size).to eq(1)
    expect(err).to end_with("SIGTERM\n")
    expect(status.exitstatus).to eq(0)
  end

  it 'dumps twice for two signals, one after the other' do
    _, err, = run_ruby(<<~RUBY)
      require 'polyphony'
      Polyphony.dump_on
      Polyphony.dump_on('USR2')
      %i[QUIT USR2].each { |signal| Process.kill(signal, Process.pid); snooze }
    RUBY
    expect(err.scan(/^polyphony dump: (?:(end)|\S)/).map { |found,| found }).to eq([nil, 'end', nil, 'end'])
  end

  it 'is no reason to believe that a deadlock could end' do
    out, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.dump_on
      Polyphony.run do
        Queue.new.pop
      rescue Polyphony::Deadlock => e
        puts e.class
      end
    RUBY
    expect(out).to eq("Polyphony::Deadlock\n")
  end

  it 'writes to what needs a lock, which a signal handler could not' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      require 'logger'
      logger = Logger.new($stdout, formatter: ->(*, text) { text })
      def logger.write(text) = info(text)
      Polyphony.dump_on(io: logger)
      Polyphony.run { Process.kill(:QUIT, Process.pid); sleep 0 }
    RUBY
    expect([out[/polyphony dump: end/], err]).to eq(['polyphony dump: end', ''])
  end

  it 'is on from the start with POLYPHONY_DUMP' do
    _, err, status = run_ruby("require 'polyphony'\nProcess.kill(:QUIT, Process.pid)\nsnooze\n", env: { 'POLYPHONY_DUMP' => 'QUIT' })
    expect(err).to match(/polyphony dump: end\n\z/)
    expect(status.exitstatus).to eq(0)
  end

  it 'says what is wrong with POLYPHONY_DUMP, and goes on' do
    out, err, = run_ruby("require 'polyphony/core'\nputs 1\n", env: { 'POLYPHONY_DUMP' => 'NOSUCH' })
    expect([out, err]).to match(["1\n", /\Apolyphony: POLYPHONY_DUMP=NOSUCH: .*NOSUCH.*POLYPHONY_DUMP=QUIT\n\z/])
  end

  it 'refuses what makes no sense' do
    expect { Polyphony.dump_on('NOSUCH') }.to raise_error(ArgumentError, /NOSUCH/)
    expect { Polyphony.dump_on('USR2', io: 5) }.to raise_error(TypeError, /write/)
    expect { Polyphony.dump_on('USR2', frames: 0) }.to raise_error(ArgumentError, /frames/)
    expect(trap('USR2', 'DEFAULT')).to eq('DEFAULT')
  end
end
