# frozen_string_literal: true

# nio4r (Puma, ActionCable) brings a libev of its own, changed, under the same names. Ruby shows the names of each
# extension to all others, so whoever is linked with libev in the ordinary way gets, or gives, the wrong one.
RSpec.describe 'libev' do
  let(:names) { IO.popen(['nm', '-D', File.join(EXTENSION_DIR, 'polyphony', 'scheduler_ext.so')], &:readlines) }

  it 'is not linked: none of its names is taken from, or shown to, other libraries', if: RUBY_PLATFORM.include?('linux') do
    expect(names).to include(a_string_including('dlopen'))
    expect(names.grep(/\bev_/)).to eq([])
  end

  it 'is not the one of a library that was loaded before', if: RUBY_PLATFORM.include?('linux') do
    result = run_ruby(<<~RUBY)
      require 'fiddle'
      require 'tempfile'
      source = Tempfile.new(['other', '.c'])
      source.write('int ev_run(void *loop, int flags) { __builtin_abort(); } void *ev_loop_new(int flags) { return 0; }')
      source.close
      system('cc', '-shared', '-fPIC', '-o', "\#{source.path}.so", source.path, exception: true)
      Fiddle.dlopen("\#{source.path}.so") # its names are for all, as those of extensions
      require 'polyphony/core'
      Polyphony.run { sleep 0.001 }
      puts 'ours'
    RUBY
    expect([result.stdout, result.stderr]).to eq(["ours\n", ''])
  end
end
