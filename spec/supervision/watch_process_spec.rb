# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony.watch_process', :fibers do
  # What processes say, line by line.
  let(:pipe) { IO.pipe }

  # An example of another file that failed may have left one.
  let!(:others) { children }

  after { pipe.each(&:close) }

  def watch(*command, **options, &block)
    Polyphony.watch_process(*command, out: pipe.last, err: File::NULL, **options, &block)
  end

  # Says that it runs, and what it gets; TERM does not end it if it is stubborn.
  def talker(tag = 'x', stubborn: false, **options)
    watch("trap 'echo TERM #{tag}#{'; exit 0' unless stubborn}' TERM; echo up #{tag}; while :; do sleep 0.02; done", **options)
  end

  def said
    pipe.first.gets&.chomp
  end

  # @return [Boolean] whether it is there, if only as a zombie
  def there?(pid)
    Process.kill(0, pid)
    true
  rescue Errno::ESRCH
    false
  end

  # @return [Boolean] whether it runs
  def runs?(pid)
    there?(pid) && File.read("/proc/#{pid}/stat").rpartition(')').last.split.first != 'Z'
  rescue Errno::ENOENT
    false
  end

  # @return [Array<String>] numbers of this process's children, zombies included
  def children
    Dir.glob('/proc/self/task/*/children').flat_map { |file| File.read(file).split }
  rescue Errno::ENOENT, Errno::ESRCH # a thread has ended meanwhile
    retry
  end

  def no_children
    expect(children - others).to eq([])
  end

  describe 'the run of the fiber is the process' do
    it 'whose status it gives' do
      fiber = Polyphony.watch_process('true')
      expect(fiber).to be_a(Polyphony::Fiber)
      expect([fiber.parent, fiber.pid]).to eq([Polyphony.current, nil])
      expect(fiber.await).to be_a(Process::Status).and be_success
      expect(fiber.pid).to be_nil
      no_children
    end

    it 'which fails with what the process failed with' do
      error = error_of { Polyphony.watch_process('exit 3').await }
      expect([error.class, error.status.exitstatus, error.command]).to eq([Polyphony::ProcessFailed, 3, 'exit 3'])
      expect(error.message).to match(/\Aexit 3 \(pid \d+\) exited with status 3\z/)
      error = error_of { Polyphony.watch_process('kill -9 $$', tag: :killed).await }
      expect(error.message).to end_with('was ended by SIGKILL')
      expect(error.backtrace.last(2).first).to match(/\Aspun at .*watch_process_spec.rb/)
      no_children
    end

    it 'or that it could not be started' do
      expect(error_of { Polyphony.watch_process('/no/such/program').await }).to be_a(Errno::ENOENT)
      expect(error_of { Polyphony.watch_process('/no/such/program', 'x').await }).to be_a(Errno::ENOENT)
    end

    it 'which knows its pid and its command, and takes signals' do
      fiber = watch('trap "echo HUP" HUP; echo up; while :; do sleep 0.02; done', tag: :talker)
      expect(fiber.signal(:HUP)).to be(false)
      expect(said).to eq('up')
      expect(Process.getpgid(fiber.pid)).to eq(fiber.pid)
      expect(fiber.inspect).to match(/\A#<Polyphony::ProcessFiber :talker .*watch_process_spec.rb:\d+ waiting .* trap .* pid #{fiber.pid}>\z/)
      expect([fiber.tag, fiber.command]).to match([:talker, /\Atrap .* done\z/])
      expect(fiber.signal(:HUP)).to be(true)
      expect(said).to eq('HUP')
      expect(error_of { fiber.signal(:NONSENSE) }).to be_a(ArgumentError)
      fiber.stop
      expect(fiber.signal(:HUP)).to be(false)
    end

    it 'which goes on while others run' do
      fiber = Polyphony.watch_process('cat', in: (input = IO.pipe).first, out: pipe.last)
      wait_until { fiber.pid }
      input.last.puts 'hello'
      expect(said).to eq('hello')
      input.last.close
      wait_until { input.first.close || true }
      expect(fiber.await).to be_success
    end

    it 'is stopped before it starts without one' do
      fiber = Polyphony.watch_process('exit 1')
      fiber.stop(:never)
      expect(fiber.await).to eq(:never)
      no_children
    end
  end

  describe 'takes what Process.spawn takes:' do
    it 'an environment, several words, options by number and by IO' do
      watch({ 'X' => 'value' }, 'sh', '-c', 'echo $X; echo err >&2; pwd', chdir: '/', err: %i[child out]).await
      expect([said, said, said]).to eq(%w[value err /])
      Polyphony.watch_process('sh', '-c', 'echo err >&2', $stderr => pipe.last).await
      expect(said).to eq('err')
      watch(['sh', 'other-name'], '-c', 'echo $0', { chdir: '/' }).await
      expect(said).to eq('other-name')
    end

    it 'and refuses nonsense at once' do
      expect(error_of { Polyphony.watch_process }).to be_a(ArgumentError)
      expect(error_of { Polyphony.watch_process('true') {} }).to be_a(ArgumentError)
      expect(error_of { Polyphony.watch_process(chdir: '/') {} }).to be_a(ArgumentError)
      expect(error_of { Polyphony.watch_process('true', grace: -1) }).to be_a(ArgumentError)
      expect(error_of { Polyphony.watch_process('true', grace: 'x') }).to be_a(TypeError)
      expect(error_of { Polyphony.watch_process('true', nonsense: 1).await }).to be_a(ArgumentError)
    end

    it 'a long command gets a short title' do
      fiber = watch('echo', 'a b', 'x' * 200)
      expect(fiber.command).to start_with('echo "a b" xxx').and end_with('…')
      expect(fiber.command.size).to eq(80)
      fiber.await
    end
  end

  describe 'stop' do
    it 'sends TERM and waits for the end' do
      fiber = talker
      expect(said).to eq('up x')
      pid = fiber.pid
      fiber.stop(:stopped)
      expect([said, fiber.await, there?(pid)]).to eq(['TERM x', :stopped, false])
      no_children
    end

    it 'sends KILL when the grace is over' do
      fiber = talker(stubborn: true, grace: 0.05)
      said
      pid = fiber.pid
      fiber.stop
      expect([said, there?(pid)]).to eq(['TERM x', false])
      no_children
    end

    it 'sends KILL at once with now: true, also while it waits for the end' do
      fiber = talker(stubborn: true, grace: 600)
      said
      pid = fiber.pid
      stopper = waiting { fiber.stop }
      expect([said, there?(pid)]).to eq(['TERM x', true])
      fiber.stop(now: true)
      stopper.await
      expect(there?(pid)).to be(false)
      no_children
    end

    it 'ends a process that is itself stopped' do
      fiber = watch('echo up; exec sleep 600', grace: 600)
      said
      fiber.signal(:STOP)
      wait_until { File.read("/proc/#{fiber.pid}/stat").include?(') T ') }
      fiber.stop
      no_children
    end

    it 'reaches all that the process has started' do
      fiber = watch('sh -c "echo \$\$; exec sleep 600" & sh -c "echo \$\$; exec sleep 600" & wait')
      pids = [said.to_i, said.to_i]
      expect(pids.map { |pid| runs?(pid) }).to eq([true, true])
      fiber.stop
      expect(pids.map { |pid| runs?(pid) }).to eq([false, false])
    end

    it 'kills what is left of it when the grace is over' do
      fiber = watch('sh -c "trap : TERM; echo \$\$; while :; do sleep 0.02; done" & wait', grace: 0.05)
      pid = said.to_i
      fiber.stop
      expect(runs?(pid)).to be(false)
    end

    it 'leaves what it has started its grace' do
      fiber = watch('sh -c "trap \'sleep 0.1; echo bye; exit\' TERM; echo up; while :; do sleep 0.02; done" & wait', grace: 600)
      expect(said).to eq('up')
      fiber.stop
      expect(said).to eq('bye')
    end

    it 'reaches the process alone with pgroup: nil' do
      fiber = watch('sh -c "echo \$\$; exec sleep 600" & echo $$; wait', pgroup: nil)
      pids = [said.to_i, said.to_i]
      expect(Process.getpgid(fiber.pid)).to eq(Process.getpgrp)
      fiber.stop
      orphan = (pids - [fiber.pid]).find { |pid| runs?(pid) }
      expect(orphan).to be_an(Integer)
    ensure
      Process.kill(:KILL, orphan) if orphan
    end
  end

  it 'leaves nothing of a process group whose leader has ended by itself' do
    fiber = watch('sh -c "exec sleep 600" & echo $!; exit 0')
    pid = said.to_i
    expect(fiber.await).to be_success
    expect(runs?(pid)).to be(false)
  end

  describe 'nothing is left behind' do
    def ended(pid)
      expect(there?(pid)).to be(false)
      no_children
    end

    it 'by a time limit' do
      pid = nil
      expect(move_on_after(600) do |scope|
        fiber = talker
        said
        pid = fiber.pid
        scope.cancel
        fiber.await
      end).to be_nil
      Polyphony.current.children.each(&:stop)
      ended(pid)
    end

    it 'by the end of the parent, or an error there' do
      [nil, IOError].each do |error|
        pid = nil
        parent = spin do
          fiber = talker
          wait_until { said == 'up x' }
          pid = fiber.pid
          raise error if error
        end
        expect(error_of { parent.await }).to error ? be_a(error) : be_nil
        ended(pid)
      end
    end

    it 'by the end of a scope' do
      pid = nil
      error = error_of do
        Polyphony.scope do |scope|
          scope.spin { Polyphony.watch_process("sleep 600").tap { |fiber| wait_until { fiber.pid } }.then { |fiber| pid = fiber.pid; fiber.await } }
          wait_until { pid }
          raise IOError
        end
      end
      expect(error).to be_a(IOError)
      ended(pid)
    end

    it 'by an error that is raised in it' do
      fiber = talker
      said
      pid = fiber.pid
      fiber.raise(IOError)
      expect(error_of { fiber.await }).to be_a(IOError)
      ended(pid)
    end

    it 'by the end of the program, however it ends' do
      ['exit 3', 'raise IOError', 'Process.kill(:TERM, Process.pid); sleep', 'nil'].each do |ending|
        result = run_ruby(<<~RUBY)
          require 'polyphony'
          $stdout.sync = true
          fiber = Polyphony.watch_process('sleep 600')
          sleep 0.001 until fiber.pid
          puts fiber.pid
          #{ending}
        RUBY
        expect([ending, runs?(Integer(result.stdout))]).to eq([ending, false])
      end
    end
  end

  it 'runs a block in a forked process' do
    reader, writer = pipe
    fiber = Polyphony.watch_process(tag: :child) do
      writer.puts Process.pid, Process.getpgrp, Polyphony.current.children.size
      exit 4
    end
    error = error_of { fiber.await }
    pid = said.to_i
    expect([said.to_i, said]).to eq([pid, '0'])
    expect([pid == Process.pid, error.status.pid, error.status.exitstatus]).to eq([false, pid, 4])
    expect(error.message).to start_with('forked block (pid')
    fiber = Polyphony.watch_process { writer.puts 'up'; sleep 600 }
    expect(said).to eq('up')
    pid = fiber.pid
    fiber.stop
    expect(there?(pid)).to be(false)
    expect(reader).not_to be_closed
    no_children
  end

  describe 'is restarted' do
    it 'by hand: the old process ends before the new one begins' do
      fiber = talker
      said
      first = fiber.pid
      fiber.restart
      expect([said, said]).to eq(['TERM x', 'up x'])
      expect(fiber.pid).not_to eq(first)
      expect(there?(first)).to be(false)
      fiber.stop
      no_children
    end

    it 'by its supervisor, when it fails or is killed' do
      fiber = talker
      boss = waiting { supervise(fiber, restart: :on_error) { |_, outcome| log << outcome.message[/was .*/] } }
      said
      pids = Array.new(3) do
        pid = fiber.pid
        Process.kill(:KILL, pid)
        expect(said).to eq('up x')
        pid
      end
      expect(log).to eq(['was ended by SIGKILL'] * 3)
      expect((pids + [fiber.pid]).uniq.size).to eq(4)
      boss.stop
      expect(said).to eq('TERM x')
      no_children
    end

    it 'with others, in order' do
      fibers = %w[a b].map { |tag| talker(tag).tap { said } }
      boss = waiting { supervise(*fibers, restart: :always, strategy: :one_for_all) {} }
      Process.kill(:KILL, fibers[0].pid)
      expect([said, *[said, said].sort]).to eq(['TERM b', 'up a', 'up b'])
      boss.stop
      no_children
    end

    it 'until there were too many' do
      runs = 0
      fiber = Polyphony.watch_process('exit 1')
      error = error_of { supervise(fiber, restart: :on_error) { runs += 1 } }
      expect([error.class, error.cause.class, runs]).to eq([Polyphony::RestartLimit, Polyphony::ProcessFailed, 4])
      no_children
    end
  end
end
