# frozen_string_literal: true

require 'tmpdir'

RSpec.describe 'ext/http/extconf.rb' do
  let(:dir) { Dir.mktmpdir }

  after { FileUtils.remove_entry(dir) }

  # Where no gem is installed, and with a compiler that finds no llhttp.h, unless told otherwise.
  def configure(env: {}, headers: false)
    path = headers ? ENV.fetch('PATH') : "#{compiler_without_headers}:#{ENV.fetch('PATH')}"
    nowhere = { 'PATH' => path, 'GEM_HOME' => dir, 'GEM_PATH' => dir, 'LLHTTP_SRC' => nil }
    run_ruby(File.join(ROOT, 'ext/http/extconf.rb'), chdir: dir, env: nowhere.merge(env), load_path: false, timeout: 50)
  end

  def compiler_without_headers
    name = File.basename(RbConfig::CONFIG['CC'].split.first)
    real = ENV['PATH'].split(':').map { |path| File.join(path, name) }.find { |path| File.executable?(path) }
    wrapper = File.join(dir, 'bin', name)
    FileUtils.mkdir_p(File.dirname(wrapper))
    File.write(wrapper, <<~SHELL)
      #!/bin/sh
      for argument; do
        case $argument in *.c) ! grep -q 'include <llhttp\\.h>' "$argument" || exit 1 ;; esac
      done
      exec #{real} "$@"
    SHELL
    File.chmod(0o755, wrapper)
    File.dirname(wrapper)
  end

  def makefile
    File.read(File.join(dir, 'Makefile'))
  end

  context 'without llhttp' do
    it 'says what to install, and builds nothing, with success' do
      result = configure
      expect(result.status).to be_success
      expect(result.stderr).to include('apt-get install libllhttp-dev').and include('gem install llhttp').and include('LLHTTP_SRC')
      expect(system('make', 'install', chdir: dir, out: File::NULL)).to be(true)
      expect(Dir.glob(File.join(dir, '**/*.{o,so}'))).to eq([])
    end

    it 'leaves a Polyphony whose fibers work, and whose server says what to install' do
      ext = File.join(dir, 'polyphony')
      FileUtils.mkdir_p(ext)
      FileUtils.cp(File.join(EXTENSION_DIR, 'polyphony', "scheduler_ext.#{RbConfig::CONFIG['DLEXT']}"), ext)
      out, err, = run_ruby(<<~RUBY, flags: ['-I', File.join(ROOT, 'lib'), '-I', dir], load_path: false)
        require 'polyphony/core'
        Polyphony.run { puts Polyphony.spin { sleep 0.001; :works }.await }
        begin
          require 'polyphony/http/http1'
        rescue LoadError => e
          puts e.message
        end
      RUBY
      expect(err).to eq('')
      expect(out).to start_with("works\n").and include('apt-get install libllhttp-dev').and include('gem install llhttp')
    end
  end

  context 'with the source of llhttp' do
    it 'compiles that in its strict mode' do
      source = File.join(dir, 'llhttp')
      FileUtils.mkdir_p(source)
      %w[llhttp.h llhttp.c api.c http.c].each { |name| File.write(File.join(source, name), "/* #{name} */\n") }
      expect(configure(env: { 'LLHTTP_SRC' => source }).status).to be_success
      expect(makefile).to match(/^TARGET = http_ext$/).and match(%r{^target_prefix = /polyphony$}).and include('-DLLHTTP_STRICT_MODE=1')
      expect(makefile).to include('vendor_llhttp.o').and include('http1_parser.o').and include('-fvisibility=hidden')
      expect(File.read(File.join(dir, 'vendor_api.c'))).to end_with("/* api.c */\n")
    end
  end

  it 'exports nothing but its Init function' do
    library = File.join(EXTENSION_DIR, 'polyphony', "http_ext.#{RbConfig::CONFIG['DLEXT']}")
    symbols = IO.popen(['nm', '-D', '--defined-only', library], &:read).lines.map { |line| line.split.last }
    expect(symbols.grep_v(/\A_(init|fini)\z/)).to eq(['Init_http_ext'])
  end
end
