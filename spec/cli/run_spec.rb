# frozen_string_literal: true

require_relative '../support/script'

RSpec.describe 'polyphony, beside ruby' do
  include Support::Script

  POLYPHONY = File.join(ROOT, 'exe', 'polyphony')

  # The same arguments and files, under `polyphony` and under `ruby`.
  def run_both_commands(*arguments, files: {}, **options)
    [[POLYPHONY, *arguments], arguments].map { |command| run_in_folder(files, command, **options) }
  end

  {
    'a script, its names and arguments' =>
      [%w[script.rb one -e two --help], { 'script.rb' => "p ARGV, $0, __FILE__, __FILE__ == $0, __dir__, __LINE__, self, __method__\n" }],
    'a script in a folder' => [%w[deep/script.rb], { 'deep/script.rb' => "p __FILE__\nrequire_relative 'other'\n", 'deep/other.rb' => 'p __dir__' }],
    'DATA, behind a here-document with __END__' =>
      [%w[script.rb], { 'script.rb' => "puts <<~A\n__END__\nA\np DATA.read, DATA.path, DATA.class\n__END__\nthe data\n" }],
    'a script that requires Polyphony-free libraries' => [%w[-rset -I lib script.rb], { 'script.rb' => "p Set[1].size\nrequire 'mine'\n", 'lib/mine.rb' => 'puts :mine' }],
    'code' => [['-e', 'p __FILE__, $0, __dir__, __LINE__, ARGV', 'a', 'b'], {}],
    'code in several pieces' => [['-e', 'p 1', '-e', 'p __LINE__'], {}],
    'code stuck to its option' => [['-ep __FILE__'], {}],
    'arguments behind --' => [['-e', 'p ARGV', '--', '-x'], {}],
    'a status' => [['-e', 'exit 5'], {}],
    'abort' => [['-e', 'abort "no"'], {}],
    'at_exit' => [['-e', 'at_exit { p $! }; puts 1'], {}],
    'an error' => [%w[script.rb], { 'script.rb' => "def fail_here(x) = Integer(x)\n[1].each { fail_here('a') }\n" }],
    'an error, underlined' => [%w[script.rb], { 'script.rb' => "puts 1\nnil.foo\n" }],
    'a top-level return' => [%w[script.rb], { 'script.rb' => "puts 1\nreturn\nputs 2\n" }],
    'BEGIN and END' => [%w[script.rb], { 'script.rb' => "puts 1\nBEGIN { puts 0 }\nEND { puts 2 }\n" }],
    'magic comments' => [%w[script.rb], { 'script.rb' => "#!/usr/bin/ruby\n# frozen_string_literal: true\np 'a'.frozen?\n" }],
    'warnings' => [%w[-w script.rb], { 'script.rb' => "def a\n  x = 1\nend\np $VERBOSE\n" }]
  }.each do |name, (arguments, files)|
    it "is the same: #{name}" do
      ours, theirs = run_both_commands(*arguments, files: files)
      expect(ours.to_h).to eq(theirs.to_h)
    end
  end

  it 'is the same: a program on standard input, and its own input behind __END__' do
    program = "p __FILE__, $0, ARGV, gets, DATA.class\n__END__\ninput\n"
    ours, theirs = run_both_commands('-', 'a', stdin: program)
    expect(ours.to_h).to eq(theirs.to_h)
    expect(run_in_folder({}, [POLYPHONY], stdin: program).stdout).to include('"input\n"')
  end

  it 'says that a script is not there as ruby does' do
    ours, theirs = run_both_commands('nope.rb')
    expect(ours.stderr).to eq("polyphony: No such file or directory -- nope.rb (LoadError)\n")
    expect(theirs.stderr).to match(/No such file or directory -- nope.rb \(LoadError\)/)
    expect(ours.status).to eq(theirs.status).and eq(1)
  end

  it 'says that a folder is no script' do
    result = run_in_folder({ 'lib/a.rb' => '' }, [POLYPHONY, 'lib'])
    expect([result.stderr, result.status]).to eq(["polyphony: Is a directory -- lib (LoadError)\n", 1])
  end

  it 'shows a syntax error as that of the script' do
    ours, theirs = run_both_commands('script.rb', files: { 'script.rb' => "puts 1\np 1 +\n" })
    expect(ours.stderr).to start_with('script.rb: ').and include('script.rb:2: syntax error', "p 1 +\n")
    expect(ours.stderr).not_to include(ROOT)
    expect([ours.stdout, ours.status]).to eq([theirs.stdout, theirs.status])
  end
end

RSpec.describe 'polyphony' do
  include Support::Script

  def polyphony(*arguments, files: {}, **options)
    run_in_folder(files, [POLYPHONY, *arguments], **options)
  end

  it 'runs the program where waiting lets others run, with the methods of Kernel there' do
    result = polyphony('-e', 'spin { 2.times { sleep 0.01; puts "tick" } }; puts 1; supervise; p Fiber.current.blocking?')
    expect(result.to_h).to eq(stdout: "1\ntick\ntick\nfalse\n", stderr: '', status: 0)
  end

  it 'runs a script that requires polyphony itself' do
    script = "require 'polyphony'\np Fiber.current.blocking?, Polyphony::Main.adopted?\nspin { puts 'spun' }.await\n"
    expect(polyphony('script.rb', files: { 'script.rb' => script }).to_h)
      .to eq(stdout: "false\nfalse\nspun\n", stderr: '', status: 0)
  end

  it 'prints errors of fibers with the place of the spin, without its own frames' do
    result = polyphony('script.rb', files: { 'script.rb' => "spin do\n  raise 'oops'\nend\nsleep\n" })
    expect(result.stderr).to start_with("script.rb:2:in `block in <main>': oops (RuntimeError)\n")
    expect(result.stderr).to include('spun at script.rb:1')
    expect(result.stderr).not_to include(ROOT)
    expect(result.status).to eq(1)
  end

  it 'stops what is left at the end' do
    result = polyphony('-e', 'spin { begin; sleep; ensure; puts "stopped"; end }; snooze; puts "end"')
    expect(result.to_h).to eq(stdout: "end\nstopped\n", stderr: '', status: 0)
  end

  it 'tells its version' do
    %w[--version -v].each do |option|
      result = polyphony(option)
      expect(result.to_h).to eq(stdout: "polyphony #{version} (ruby #{RUBY_VERSION})\n", stderr: '', status: 0)
    end
  end

  def version
    File.read(File.join(ROOT, 'lib/polyphony/version.rb'))[/'(.+)'/, 1]
  end

  it 'teaches with --help, by examples that work' do
    result = polyphony('--help')
    expect(result.stdout).to include('Usage: polyphony', 'irb', 'Examples:')
    example = result.stdout[/polyphony -e '(spin .*supervise)'/, 1]
    expect(polyphony('-e', example).stdout).to eq("tick\nhalf way\ntick\ntick\n").or eq("half way\ntick\ntick\ntick\n")
      .or eq("tick\ntick\nhalf way\ntick\n")
  end

  it 'rejects options that it does not know, with status 2' do
    [['--frobnicate'], ['-e'], ['-q', 'script.rb']].each do |arguments|
      result = polyphony(*arguments)
      expect(result.stderr).to match(/\Apolyphony: (invalid option|missing argument): #{arguments.first}\nTry `polyphony --help`/)
      expect([result.stdout, result.status]).to eq(['', 2])
    end
  end

  it 'prints its help when there is nothing to run and the input is a terminal' do
    terminal = run_pty(POLYPHONY)
    expect(terminal.output).to include('Usage: polyphony')
    expect(terminal.status).to be_success
  end
end
