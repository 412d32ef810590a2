# frozen_string_literal: true

require 'tmpdir'

RSpec.describe 'ext/scheduler/extconf.rb' do
  let(:dir) { Dir.mktmpdir }

  after { FileUtils.remove_entry(dir) }

  def configure(*arguments, env: {})
    file = File.join(ROOT, 'ext/scheduler/extconf.rb')
    run_ruby(file, *arguments, chdir: dir, env: env, load_path: false, timeout: 50)
  end

  # A compiler, found on the PATH before the real one, for which there is no libev header.
  def compiler_without_headers
    name = File.basename(RbConfig::CONFIG['CC'].split.first)
    real = ENV['PATH'].split(':').map { |path| File.join(path, name) }.find { |path| File.executable?(path) }
    wrapper = File.join(dir, 'bin', name)
    FileUtils.mkdir_p(File.dirname(wrapper))
    File.write(wrapper, <<~SHELL)
      #!/bin/sh
      for argument; do
        case $argument in *.c) ! grep -q 'include <.*ev\\.h>' "$argument" || exit 1 ;; esac
      done
      exec #{real} "$@"
    SHELL
    File.chmod(0o755, wrapper)
    File.dirname(wrapper)
  end

  shared_examples 'a missing libev' do
    it 'ends with the name of the package for each system, and makes no Makefile' do
      expect(outcome.status).not_to be_success
      expect(outcome.stderr).to match(/Debian, Ubuntu +apt-get install libev-dev$/)
        .and match(/Fedora +dnf install libev-devel$/)
        .and match(/Alpine +apk add libev-dev$/)
        .and match(/macOS +brew install libev$/)
      expect(outcome.stderr).to include('--with-libev-dir')
      expect(outcome.stderr).not_to match(/extconf\.rb:\d+/)
      expect(File).not_to exist(File.join(dir, 'Makefile'))
    end
  end

  context 'when the headers are missing' do
    let(:outcome) { configure(env: { 'PATH' => "#{compiler_without_headers}:#{ENV.fetch('PATH')}" }) }

    it_behaves_like 'a missing libev'
  end

  context 'when the library is missing' do
    let(:outcome) { configure('--with-evlib=no-such-libev') }

    it_behaves_like 'a missing libev'
  end

  context 'when libev is there' do
    it 'makes a Makefile that builds polyphony/scheduler_ext with the features of this Ruby' do
      expect(configure.status).to be_success
      makefile = File.read(File.join(dir, 'Makefile'))
      expect(makefile).to match(/^TARGET = scheduler_ext$/).and match(%r{^target_prefix = /polyphony$})
      expect(makefile).to include('-Wall -Wextra').and include('-fvisibility=hidden')
      usable = Gem::Version.new(RUBY_VERSION) >= Gem::Version.new('3.3.1')
      expect(makefile.include?('-DHAVE_USABLE_IO_WRITE_HOOK')).to be(usable)
      expect(makefile).not_to include('-Werror ')
    end

    it 'makes warnings errors for developers' do
      configure(env: { 'POLYPHONY_DEBUG' => '1' })
      expect(File.read(File.join(dir, 'Makefile'))).to match(/-Werror( |$)/).and include('-O0')
    end
  end
end
