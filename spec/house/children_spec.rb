# frozen_string_literal: true

# The helpers that other specs run their programs with.
RSpec.describe 'run_ruby and run_pty' do
  it 'runs code as a script that can read itself, with arguments, input and environment' do
    out, err, status = run_ruby(<<~'RUBY', :one, 2, stdin: "typed\n", env: { 'GREETING' => 'hello' })
      puts File.read($0).lines.size, ARGV.inspect, $stdin.gets, ENV['GREETING']
      warn 'careful'
      exit 3
    RUBY
    expect(out).to eq(%(3\n["one", "2"]\ntyped\nhello\n))
    expect(err).to eq("careful\n")
    expect(status.exitstatus).to eq(3)
  end

  it 'runs files and plain flags, on the Ruby of the suite' do
    expect(run_ruby(nil, flags: ['-e', 'print RUBY_VERSION']).stdout).to eq(RUBY_VERSION)
    expect(run_ruby(__FILE__, flags: ['-c']).stdout).to eq("Syntax OK\n")
  end

  it 'kills a child that does not end, with all that it started, and says what it had printed' do
    reader, writer = IO.pipe
    expect { run_ruby('puts "so far"; $stdout.flush; spawn("sleep 600"); sleep', stdin: reader, timeout: 1) }
      .to raise_error(Support::RunRuby::TimedOut, /did not end within 1 s\nstdout: so far/)
    reader.close
    # Nobody is left who could read it.
    expect { writer.write('x') }.to raise_error(Errno::EPIPE)
  end

  it 'gives a script a terminal to talk on' do
    terminal = run_pty('print "name? "; puts "hello #{gets.chomp}, #{$stdin.tty? && $stdout.tty?}"; exit 4') do |pty|
      pty.wait_for('name? ')
      pty.type('world')
      expect(pty.wait_for(/hello (\w+)/)[1]).to eq('world')
    end
    expect(terminal.output).to include('hello world, true')
    expect(terminal.status.exitstatus).to eq(4)
  end

  it 'presses keys, and notices a script that ended without the words awaited' do
    terminal = run_pty('begin; puts "ready"; sleep; rescue Interrupt; puts "interrupted"; end') do |pty|
      pty.wait_for('ready')
      pty.press_ctrl('c')
    end
    expect(terminal.output).to include('interrupted')
    expect { run_pty('puts 1') { |pty| pty.wait_for('two') } }.to raise_error(Support::RunRuby::TimedOut, /ended without/)
  end

  it 'kills a script that stays on its terminal' do
    expect { run_pty('puts "here"; sleep', timeout: 1) }.to raise_error(Support::RunRuby::TimedOut, /here/)
  end
end
