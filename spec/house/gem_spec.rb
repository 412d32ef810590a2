# frozen_string_literal: true

require 'rubygems/package'
require 'tmpdir'

# Builds the gem and installs it, as a user would, where there is nothing but Ruby.
RSpec.describe 'the gem', timeout: 300 do
  # One build and one installation for all the examples.
  installation = Class.new do
    include Support::RunRuby

    def dir
      @dir ||= Dir.mktmpdir
    end

    def home
      @home ||= File.join(dir, 'home').tap do |path|
        gem_command('install', '--local', '--no-document', file, home: path)
      end
    end

    def file
      @file ||= File.join(dir, 'polyphony.gem').tap do |path|
        gem_command('build', 'polyphony.gemspec', '--output', path, home: dir, chdir: ROOT)
      end
    end

    def env(home = self.home)
      { 'PATH' => "#{home}/bin:#{ENV.fetch('PATH')}", 'GEM_HOME' => home, 'GEM_PATH' => home,
        'RUBYLIB' => nil, 'RUBYOPT' => nil, 'BUNDLE_GEMFILE' => nil }
    end

    def remove
      FileUtils.remove_entry(@dir) if @dir
    end

    private

    def gem_command(*arguments, home:, chdir: dir)
      result = run_ruby(nil, flags: ['-S', 'gem', *arguments], env: env(home), chdir: chdir, timeout: 240,
                             load_path: false)
      raise "gem #{arguments.first} failed\n#{result.stdout}\n#{result.stderr}" unless result.status.success?
    end
  end.new

  after(:context) { installation.remove }

  def run_installed(installation, *flags)
    run_ruby(nil, flags: flags, env: installation.env, chdir: Dir.tmpdir, load_path: false)
  end

  it 'holds the code, its types and its papers, and nothing else' do
    files = Gem::Package.new(installation.file).spec.files
    expect(files).to include('lib/polyphony/scheduler.rb', 'ext/scheduler/extconf.rb', 'sig/polyphony/scheduler.rbs',
                             'LICENSE', 'README.md', 'CHANGELOG.md')
    expect(files.grep_v(%r{\A(lib|ext|exe|sig)/|\A[A-Z]+(\.md)?\z})).to be_empty
    expect(files.grep(/\.(so|o)\z/)).to be_empty
  end

  it 'depends on no other gem, and says which Ruby it needs' do
    spec = Gem::Package.new(installation.file).spec
    expect(spec.runtime_dependencies).to be_empty
    expect(spec.required_ruby_version).to eq(Gem::Requirement.new('>= 3.1'))
  end

  it 'compiles at installation, and its scheduler runs from any folder' do
    code = <<~'RUBY'
      Thread.new do
        Fiber.set_scheduler(Polyphony::Scheduler.new)
        Fiber.schedule { sleep 0.01; puts $".grep(/scheduler_ext/) }
      end.join
    RUBY
    out, err, status = run_installed(installation, '-rpolyphony/scheduler', '-e', code)
    expect([err, status.success?]).to eq(['', true])
    expect(out).to start_with(File.realpath(installation.home)).or start_with(installation.home)
  end

  it 'gives applications the whole of Polyphony' do
    code = 'Polyphony.run { puts Polyphony.spin { sleep 0.01; :done }.await }'
    out, err, = run_installed(installation, '-rpolyphony/core', '-e', code)
    expect([out, err]).to eq(["done\n", ''])
  end

  it 'installs the polyphony command' do
    out, err, status = run_installed(installation, '-S', 'polyphony', '--version')
    expect([err, status.success?]).to eq(['', true])
    expect(out).to include(Gem::Package.new(installation.file).spec.version.to_s)
  end
end
