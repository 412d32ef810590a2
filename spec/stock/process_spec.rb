# frozen_string_literal: true

require_relative '../support/stock'
require 'io/nonblock'
require 'open3'
require 'pty'
require 'rbconfig'
require 'timeout'

RSpec.describe 'Child processes beside a ticker fiber', :stock do
  # A command that ends, with that status, when the ticker closes the pipe of its stdin.
  def gate(status = 0)
    reader, @gate = pipe
    reader.nonblock = false # cat does not expect EAGAIN
    [['sh', '-c', "cat; exit #{status}"], reader]
  end

  def open_gate
    -> { @gate.close }
  end

  def spawn_gated(status = 0)
    command, input = gate(status)
    pid = Process.spawn(*command, in: input)
    input.close
    pid
  end

  it 'Process.wait returns the pid and sets $?' do
    pid = spawn_gated(3)
    waited, status = beside_ticker(open_gate) { [Process.wait(pid), $?] }
    expect([waited, status.pid, status.exitstatus]).to eq([pid, pid, 3])
  end

  it 'Process.wait2' do
    pid = spawn_gated(3)
    waited, status = beside_ticker(open_gate) { Process.wait2(pid) }
    expect([waited, status.exitstatus]).to eq([pid, 3])
  end

  it 'Process::Status.wait' do
    pid = spawn_gated(3)
    expect(beside_ticker(open_gate) { Process::Status.wait(pid) }.exitstatus).to eq(3)
  end

  it 'Process.wait(-1) waits for any child' do
    in_child do
      spawn_gated(3)
      expect(beside_ticker(open_gate) { Process.wait2(-1).last }.exitstatus).to eq(3)
    end
  end

  it 'Process.waitall' do
    in_child do
      first = spawn_gated(3)
      expect(beside_ticker(open_gate) { Process.waitall }.map { |pid, s| [pid, s.exitstatus] }).to eq([[first, 3]])
    end
  end

  it 'Process.wait of a process group' do
    command, input = gate(3)
    pid = Process.spawn(*command, in: input, pgroup: true)
    input.close
    expect(beside_ticker(open_gate) { Process.wait2(-pid).last }.exitstatus).to eq(3)
  end

  it 'Process.wait with WNOHANG never waits' do
    pid = spawn_gated
    in_scheduler { Fiber.schedule { expect(Process.wait(pid, Process::WNOHANG)).to be_nil } }
    open_gate.call
    Process.wait(pid)
  end

  it 'Process.wait of no child raises ECHILD' do
    expect { in_scheduler { Fiber.schedule { Process.wait(Process.pid) } and sleep(0) } }.to raise_error(Errno::ECHILD)
  end

  it 'Process.wait of a child that has already ended' do
    pid = spawn_gated(3)
    open_gate.call
    Thread.pass until File.read("/proc/#{pid}/stat").include?(') Z ')
    waited = nil
    in_scheduler { Fiber.schedule { waited = Process.wait2(pid).last.exitstatus } }
    expect(waited).to eq(3)
  end

  it 'Process.wait of a child that a signal killed' do
    pid = spawn_gated
    status = beside_ticker(-> { Process.kill(:TERM, pid) }) { Process.wait2(pid).last }
    expect([status.signaled?, status.termsig]).to eq([true, Signal.list['TERM']])
  end

  it 'Process.wait cut by Timeout leaves the child to be waited for' do
    pid = spawn_gated(3)
    expect { beside_ticker { Timeout.timeout(0.02) { Process.wait(pid) } } }.to raise_error(Timeout::Error)
    open_gate.call
    expect(Process.wait2(pid).last.exitstatus).to eq(3)
  end

  it 'Process.detach gives a thread to wait for' do
    pid = spawn_gated(3)
    expect(beside_ticker(open_gate) { Process.detach(pid).value }.exitstatus).to eq(3)
  end

  it 'two fibers wait for two children' do
    statuses = []
    pids = Array.new(2) { |i| spawn_gated(i).tap { (@gates ||= []) << @gate } }
    in_scheduler do
      pids.each { |pid| Fiber.schedule { statuses << Process.wait2(pid).last.exitstatus } }
      Fiber.schedule { @gates.reverse_each { |gate| gate.close or give_way } }
    end
    expect(statuses).to contain_exactly(0, 1)
  end

  it 'system returns true, false or nil, and sets $?' do
    command, input = gate(3)
    result, status = beside_ticker(-> { input.close or @gate.close }) { [system(*command, in: input), $?] }
    expect([result, status.exitstatus]).to eq([false, 3])
    results = []
    in_scheduler { Fiber.schedule { results << system('true') << system('/does/not/exist') } }
    expect(results).to eq([true, nil])
  end

  # A gate that the shell of backticks inherits and can name.
  def inheritable_gate
    gate.last.tap { |input| input.close_on_exec = false }
  end

  it 'backticks' do
    input = inheritable_gate
    event = -> { @gate.write('hello') and @gate.close }
    expect(beside_ticker(event) { `cat /dev/fd/#{input.fileno}` }).to eq('hello')
  end

  it 'backticks set $?' do
    input = inheritable_gate
    status = beside_ticker(open_gate) { `cat /dev/fd/#{input.fileno}; exit 3`.then { $? } }
    expect(status.exitstatus).to eq(3)
  end

  it 'IO.popen: read, and the status at its close' do
    _, input = gate
    event = -> { @gate.write('hello') and @gate.close }
    output, status = beside_ticker(event) do
      [IO.popen(['sh', '-c', 'cat; exit 3'], in: input) { |io| input.close or io.read }, $?]
    end
    expect([output, status.exitstatus]).to eq(['hello', 3])
  end

  it 'IO.popen: write and read' do
    io = keep(IO.popen('cat', 'r+'))
    event = -> { io.puts('hello') or io.close_write }
    expect(beside_ticker(event) { io.read }).to eq("hello\n")
  end

  it 'IO#close of a popen waits for the child' do
    command, input = gate(3)
    status = beside_ticker(open_gate) do
      io = IO.popen(command, in: input)
      input.close
      io.close
      $?
    end
    expect(status.exitstatus).to eq(3)
  end

  it 'Open3.capture3' do
    _, input = gate
    command = 'cat; echo wrong >&2; cat <&9; exit 3'
    out, err, status = beside_ticker(open_gate) { Open3.capture3(command, stdin_data: 'hello', 9 => input) }
    expect([out, err, status.exitstatus]).to eq(['hello', "wrong\n", 3])
  end

  it 'Open3.capture2e of 8 MB' do
    _, input = gate
    data = 'x' * 8_000_000
    out, status = beside_ticker(open_gate) { Open3.capture2e('cat; cat <&9', stdin_data: data, 9 => input) }
    expect([out.size, status.success?]).to eq([8_000_000, true])
  end

  it 'Open3.popen3' do
    _, input = gate
    outcome = beside_ticker(open_gate) do
      Open3.popen3('cat; cat <&9; exit 3', 9 => input) do |stdin, stdout, _stderr, waiter|
        stdin.puts('hello')
        stdin.close
        [stdout.read, waiter.value.exitstatus]
      end
    end
    expect(outcome).to eq(["hello\n", 3])
  end

  it 'Open3.pipeline_r' do
    _, input = gate
    event = -> { @gate.write('hello') and @gate.close }
    output = beside_ticker(event) { Open3.pipeline_r(['cat'], ['tr', 'a-z', 'A-Z'], in: input) { |out, _| out.read } }
    expect(output).to eq('HELLO')
  end

  it 'PTY.spawn: a conversation' do
    reader, writer, pid = PTY.spawn('cat')
    [reader, writer].each { |io| keep(io) }
    lines = beside_ticker(-> { writer.puts('hello') }) { [reader.gets, reader.gets] } # the terminal's echo, then cat
    status = beside_ticker(-> { Process.kill(:TERM, pid) }) { Process.wait2(pid).last }
    expect([lines, status.termsig]).to eq([%W[hello\r\n hello\r\n], Signal.list['TERM']])
  end

  it 'SIGCHLD is left to the program' do
    run = script(<<~'RUBY')
      seen = Queue.new
      trap(:CHLD) { seen << :child }
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      Fiber.schedule { system('exit 3') and nil; puts $?.exitstatus, seen.pop }
    RUBY
    expect(run.output).to eq("3\nchild\n")
  end

  it 'spawn, kill and wait of twenty children at once' do
    statuses = []
    in_scheduler do
      20.times do |i|
        Fiber.schedule { statuses << Process.wait2(Process.spawn("exit #{i}")).last.exitstatus }
      end
    end
    expect(statuses).to match_array(0...20)
  end
end
