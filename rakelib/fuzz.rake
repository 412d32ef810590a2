# frozen_string_literal: true

require 'rbconfig'
require_relative '../bin/lib/extension'

# The fuzz targets of fuzz/, built from the C of ext/http without Ruby, with the sanitizers.
namespace :fuzz do
  build = "tmp/fuzz/#{RUBY_VERSION}"
  flags = %w[-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -D_GNU_SOURCE -std=gnu11 -I ext/http]

  # llhttp as the extension has it: its C, where that was compiled in, or the system's library.
  llhttp = lambda do
    dir = "tmp/ext/#{RUBY_VERSION}/build/http"
    sources = FileList["#{dir}/vendor_*.c"]
    sources.empty? ? [[], %w[-lllhttp]] : [['-I', dir, '-DLLHTTP_STRICT_MODE=1'], sources.to_a]
  end

  compile = lambda do |compiler, output, *more|
    mkdir_p build, verbose: false
    includes, library = llhttp.call
    ours = FileList['ext/http/http1_{parser,chunks,rules,target,chars,names,response,buffers}.c'].to_a
    made_of = FileList['ext/http/*.[ch]', 'fuzz/*.c', *library.grep(/\.c\z/)]
    next output if uptodate?(output, made_of)

    sh compiler, *flags, *includes, *more, 'fuzz/http1.c', *ours, *library, '-o', output, verbose: false
    output
  end

  task corpus: 'compile:http' do
    @driver = compile.call(RbConfig::CONFIG['CC'].split.first, "#{build}/http1", 'fuzz/driver.c')
  end

  desc 'Fuzz the HTTP/1 codec by libFuzzer (clang): rake fuzz:libfuzzer, or rake fuzz:libfuzzer[seconds]'
  task :libfuzzer, [:seconds] => 'compile:http' do |_, args|
    names = ['clang', *19.downto(14).map { |version| "clang-#{version}" }]
    clang = ENV.fetch('FUZZ_CC') { names.find { |name| installed?(name) } }
    abort 'fuzz: clang is not installed (apt-get install clang libclang-rt-dev)' unless clang
    target = compile.call(clang, "#{build}/http1-libfuzzer", '-fsanitize=fuzzer')
    found = File.join(build, 'found') # what it learns stays there
    mkdir_p found, verbose: false
    sh target, '-max_len=4096', "-max_total_time=#{args.seconds || 60}", "-artifact_prefix=#{build}/",
       found, 'fuzz/corpus/http1'
  end
end

desc 'Feed the corpus of fuzz/, and inputs made from it, to the HTTP/1 codec: rake fuzz, or rake fuzz[rounds,seed]'
task :fuzz, %i[rounds seed] => 'fuzz:corpus' do |_, args|
  sh @driver, 'fuzz/corpus/http1', args.rounds || '1000000', args.seed || Random.rand(1 << 31).to_s
end
