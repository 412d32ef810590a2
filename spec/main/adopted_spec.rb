# frozen_string_literal: true

require_relative '../support/script'

RSpec.describe 'An adopted script' do
  include Support::Script

  def run(code, **options)
    run_in_folder({ 'script.rb' => code, **options.delete(:files).to_h }, ['script.rb'], **options)
  end

  # The first program of the overview, as written but for the length of its sleep.
  COUNTER = <<~'RUBY'
    require 'polyphony'

    # Kernel#spin returns a Fiber instance
    counter = spin do
      count = 1
      loop do
        sleep 0.01
        puts "count: #{count}"
        count += 1
      end
    end

    puts "Press return to stop this program"
    gets
  RUBY

  it 'ends with its input' do
    expect(run(COUNTER, stdin: '').to_h).to eq(stdout: "Press return to stop this program\n", stderr: '', status: 0)
  end

  it 'counts while it waits for a line from a terminal, until Enter is pressed' do
    terminal = run_pty(COUNTER) do |it|
      it.wait_for('count: 3')
      it.type('')
    end
    expect(terminal.output.lines(chomp: true).first(4))
      .to eq(['Press return to stop this program', 'count: 1', 'count: 2', 'count: 3'])
    expect(terminal.status).to be_success
  end

  it 'counts while it waits for a line from a pipe' do
    code = COUNTER.sub("puts \"Press", "$stdout.sync = true\nputs \"Press").sub('gets', 'p gets')
    Dir.mktmpdir do |dir|
      file = File.join(dir, 'script.rb')
      File.write(file, code)
      command = [RbConfig.ruby, *Support::RunRuby::LOAD_PATH, file]
      IO.popen(command, 'r+') do |program|
        lines = Array.new(4) { program.gets }
        program.puts 'stop'
        expect(lines).to eq(["Press return to stop this program\n", "count: 1\n", "count: 2\n", "count: 3\n"])
        expect(program.read).to end_with("\"stop\\n\"\n")
      end
      expect($?).to be_success # rubocop:disable Style/SpecialGlobalVars
    end
  end

  it 'runs in a fiber that does not block, with the verbs' do
    code = "require 'polyphony'\np Fiber.current.blocking?, Polyphony::Main.adopted?, Polyphony::Main.declined\n" \
           "p spin { sleep 0.01; :value }.await\n"
    expect(run(code).to_h).to eq(stdout: "false\ntrue\nnil\n:value\n", stderr: '', status: 0)
  end

  it 'may have Polyphony required again: by itself, a library, another fiber, another thread' do
    code = "require 'polyphony'\nrequire 'polyphony'\nrequire './library'\np 1\n" \
           "spin { p require('polyphony'), require('polyphony/core') }.await\nThread.new { p require 'polyphony' }.join\n"
    result = run(code, files: { 'library.rb' => "require 'polyphony'\nrequire 'polyphony/main'\n" }, flags: ['-w'])
    expect(result.to_h).to eq(stdout: "1\nfalse\nfalse\nfalse\n", stderr: '', status: 0)
  end

  it 'is evaluated once' do
    code = "puts 'above'\nrequire 'polyphony'\nputs 'below'\nat_exit { puts 'exit' }\n"
    expect(run(code).stdout).to eq("above\nbelow\nexit\n")
  end

  it 'may require it by a path' do
    lib = File.join(ROOT, 'lib', 'polyphony')
    ["require '#{lib}'", "require '#{lib}.rb'", "require_relative '#{lib}'", "require(\"#{lib}\")"].each do |statement|
      expect(run("#{statement}; p Polyphony::Main.adopted?\n").to_h).to eq(stdout: "true\n", stderr: '', status: 0)
    end
  end

  it 'stops its fibers at its end, and at exit' do
    ['', 'exit 3', 'raise SystemExit'].each do |ending|
      code = "require 'polyphony'\nspin { begin; sleep; ensure; puts 'stopped'; end }\nsnooze\nat_exit { puts 'at_exit' }\n#{ending}\n"
      expect(run(code).stdout).to eq("stopped\nat_exit\n")
    end
  end

  it 'fails with what a fiber fails with; exits when a fiber does' do
    result = run("require 'polyphony'\nspin do\n  raise 'oops'\nend\nsleep\n")
    expect(result.stderr).to start_with("script.rb:3:in `block in <main>': oops (RuntimeError)\n")
    expect(result.stderr).to end_with("\tfrom spun at script.rb:2\n")
    expect(result.status).to eq(1)
    expect(run("require 'polyphony'\nspin { exit 4 }\nsleep\n").to_h).to eq(stdout: '', stderr: '', status: 4)
  end

  it 'shows nothing of Polyphony in the backtrace of an error from within its methods' do
    result = run("require 'polyphony'\nmove_on_after(5) do\n  [1].each { raise 'oops' }\nend\n")
    expect(result.stderr).to eq(<<~TEXT)
      script.rb:3:in `block (2 levels) in <main>': oops (RuntimeError)
      \tfrom script.rb:3:in `each'
      \tfrom script.rb:3:in `block in <main>'
      \tfrom script.rb:2:in `<main>'
    TEXT
  end

  # Compared with the plain script, but for what Ruby itself calls the frame.
  it 'shows <compiled> where a rescued error is asked for its backtrace' do
    adopted, plain = run_both("require 'polyphony'\nbegin; raise 'x'; rescue => e; puts e.backtrace; end\n")
    expect(plain.stdout).to eq("script.rb:2:in `<main>'\n")
    expect(adopted.stdout.lines.first).to eq("script.rb:2:in `<compiled>'\n")
  end

  describe 'and signals' do
    # Says that it is ready once the main thread waits (or is busy, where it never waits).
    READY = <<~'RUBY'
      require 'polyphony'
      $stdout.sync = true
      at_exit { puts 'bye' }
      Thread.new { Thread.pass until Thread.main.stop? || $busy; $stdout.syswrite("ready\n") }
    RUBY

    def interrupted(wait)
      [READY, READY.sub(Support::Script::REQUIRE, '')].map do |text|
        terminal = run_pty("#{text}#{wait}\n") do |it|
          it.wait_for('ready')
          it.press_ctrl('c')
        end
        [terminal.output.gsub(%r{/\S*/script\S*\.rb}, 'script.rb'), terminal.status.termsig || terminal.status.exitstatus]
      end
    end

    ['sleep', 'gets', 'Queue.new.pop', 'loop { $busy = true }', 'loop { sleep 0.001 }', 'IO.pipe.first.read',
     'Process.wait(spawn("sleep 30"))', 'Thread.new { sleep }.join', 'Mutex.new.synchronize { sleep }',
     'begin; sleep; rescue Interrupt; puts "rescued"; end', 'begin; sleep; ensure; puts "ensure"; end',
     'trap(:INT) { puts "trapped"; exit 3 }; sleep', 'at_exit { p $!.class }; sleep'].each do |wait|
      it "end as the plain script does on Ctrl-C: #{wait}" do
        adopted, plain = interrupted(wait)
        expect(adopted).to eq(plain)
      end
    end

    it 'end with the signal on TERM, after ensure and at_exit' do
      code = "require 'polyphony'\n$stdout.sync = true\nat_exit { puts 'at_exit' }\nspin { Process.kill(:TERM, $$) }\n" \
             "begin; sleep; ensure; puts 'ensure'; end\n"
      expect(run(code).to_h).to eq(stdout: "ensure\nat_exit\n", stderr: '', status: 'signal 15')
    end
  end

  describe 'and tools around require' do
    it 'works with Bundler, by bundle exec ruby and by bundle exec of the script itself' do
      code = "#!/usr/bin/env ruby\nrequire 'bundler/setup'\nrequire 'polyphony'\n" \
             "p Polyphony::Main.adopted?, File.expand_path($0) == File.expand_path(__FILE__), __dir__ == Dir.pwd\nraise 'oops' if ARGV.any?\n"
      files = { 'script.rb' => code, 'Gemfile' => "gem 'polyphony', path: '#{ROOT}'\n" }
      bundle = Gem.bin_path('bundler', 'bundle')
      expect(run_in_folder(files, ['script.rb']).to_h).to include(stdout: "true\ntrue\ntrue\n", status: 0)
      expect(run_in_folder(files, ['-S', bundle, 'exec', 'ruby', '-I', EXTENSION_DIR, 'script.rb']).to_h)
        .to include(stdout: "true\ntrue\ntrue\n", status: 0)
      loaded = run_in_folder(files, ['-S', bundle, 'exec', './script.rb', 'x'], setup: ->(dir) { File.chmod(0o755, "#{dir}/script.rb") })
      expect(loaded.stdout).to eq("true\ntrue\ntrue\n")
      expect(loaded.stderr).to include('oops (RuntimeError)')
      expect(loaded.status).to eq(1)
    end

    it 'is left alone by Bundler.require' do
      code = "require 'bundler'\nBundler.require\np Polyphony::Main.adopted?, Polyphony::Main.declined\n"
      result = run_in_folder({ 'script.rb' => code, 'Gemfile' => "gem 'polyphony', path: '#{ROOT}'\n" }, ['script.rb'])
      expect(result.stdout).to include("false\n\"it is not a top-level statement")
    end

    it 'works with Bootsnap' do
      skip 'bootsnap is not installed' unless Gem::Specification.find_all_by_name('bootsnap').any?
      code = "require 'bootsnap'\nBootsnap.setup(cache_dir: 'cache', load_path_cache: true)\nrequire 'polyphony'\n" \
             "p Polyphony::Main.adopted?\nrequire 'set'\np require 'polyphony'\n"
      2.times { expect(run(code).to_h).to eq(stdout: "true\nfalse\n", stderr: '', status: 0) }
    end

    it 'works with Zeitwerk' do
      skip 'zeitwerk is not installed' unless Gem::Specification.find_all_by_name('zeitwerk').any?
      code = "require 'zeitwerk'\nloader = Zeitwerk::Loader.new\nloader.push_dir('app')\nloader.setup\nrequire 'polyphony'\n" \
             "p Polyphony::Main.adopted?, Thing.name, spin { Other.name }.await\n"
      files = { 'app/thing.rb' => "Thing = Class.new\n", 'app/other.rb' => "class Other; end\n" }
      expect(run(code, files: files).to_h).to eq(stdout: "true\n\"Thing\"\n\"Other\"\n", stderr: '', status: 0)
    end

    # RubyGems activates the gem in a `rescue LoadError`: `$!` is set there, and would be the cause of all.
    it 'works from an installed gem' do
      specification = <<~RUBY
        Gem::Specification.new do |s|
          s.name = 'polyphony'
          s.version = '9.9.9'
          s.summary = s.author = 'x'
          s.require_paths = ['lib', 'ext']
        end
      RUBY
      setup = lambda do |dir|
        FileUtils.mkdir_p("#{dir}/home/gems/polyphony-9.9.9")
        File.symlink("#{ROOT}/lib", "#{dir}/home/gems/polyphony-9.9.9/lib")
        File.symlink(EXTENSION_DIR, "#{dir}/home/gems/polyphony-9.9.9/ext")
      end
      code = "require 'polyphony'\np $!, spin { require 'polyphony' }.await, Gem.loaded_specs['polyphony'].version.to_s\n" \
             "$stdout.flush\nraise 'oops'\n"
      result = run_in_folder({ 'script.rb' => code, 'home/specifications/polyphony-9.9.9.gemspec' => specification },
                             ['script.rb'], setup: setup, load_path: false, env: { 'GEM_HOME' => './home', 'GEM_PATH' => './home' })
      expect(result.to_h).to eq(stdout: "nil\nfalse\n\"9.9.9\"\n", stderr: "script.rb:4:in `<main>': oops (RuntimeError)\n", status: 1)
    end

    it 'works without RubyGems' do
      result = run("require 'polyphony'\np Polyphony::Main.adopted?, defined?(Gem)\n", flags: ['--disable-gems'])
      expect(result.to_h).to eq(stdout: "true\nnil\n", stderr: '', status: 0)
    end

    it 'works with coverage' do
      code = "require 'coverage'\nCoverage.start\nrequire 'polyphony'\nrequire './other'\nother\np Coverage.result['other.rb'.then { File.expand_path(_1) }]\n"
      expect(run(code, files: { 'other.rb' => "def other\n  1\nend\n" }).to_h).to eq(stdout: "[1, 1, nil]\n", stderr: '', status: 0)
    end

    it 'lets Sinatra and the like start in at_exit' do
      code = "at_exit { puts 'server' if $!.nil? }\nrequire 'polyphony'\nputs 'routes'\n"
      expect(run(code).to_h).to eq(stdout: "routes\nserver\n", stderr: '', status: 0)
    end
  end

  it 'says why its stack is not as deep' do
    code = "def down(n) = down(n + 1)\nrequire 'polyphony'\nbegin; down(0); rescue SystemStackError => e; puts e.message; end\n"
    expect(run(code).stdout).to eq("stack level too deep\n")
    deeper = "$deep = 0\ndef down(n) = ($deep = n) && down(n + 1)\nrequire 'polyphony'\nbegin; down(0); rescue SystemStackError; p $deep > 5000; end\n"
    stack = { 'RUBY_FIBER_VM_STACK_SIZE' => '1048576', 'RUBY_FIBER_MACHINE_STACK_SIZE' => '4194304' }
    expect(run(deeper, env: stack).stdout).to eq("true\n")
  end
end
