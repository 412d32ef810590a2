# frozen_string_literal: true

require 'rbconfig'
require 'tmpdir'
require_relative '../bin/lib/extension'
require_relative '../spec/support/memory_valgrind'

# The workloads of spec/memory, with what can see more than a crash. Neither is part of `rake spec`.
namespace :memory do
  program = 'spec/support/memory_workloads.rb'
  names = %w[io backend timers queues fibers scopes nested threads processes observed trees codec codec2 resp]
  # What knows no fiber has a program of its own: the codecs of HTTP, the reader of Redis.
  own = { 'codec' => 'spec/support/http_codec_workload.rb', 'codec2' => 'spec/support/http2_codec_workload.rb',
          'resp' => 'spec/support/redis_reader_workload.rb' }
  command = ->(mode, name) { own[name] ? [own[name], mode] : [program, mode, name] }
  limit = %w[timeout --kill-after=5 120]

  choose = lambda do |args|
    unknown = args.to_a - names
    abort "memory: no workload named #{unknown.join(', ')}; there are: #{names.join(', ')}" unless unknown.empty?
    args.to_a.empty? ? names : args.to_a
  end

  desc 'Run the memory workloads under valgrind: rake memory:valgrind, or rake memory:valgrind[io,nested]'
  task :valgrind, [:name] => :compile do |_, args|
    abort 'memory: valgrind is not installed' unless installed?('valgrind')

    failed = choose.call(args).reject do |name|
      Dir.mktmpdir do |dir|
        valgrind = MemoryValgrind.new(dir)
        ended = valgrind.run(RbConfig.ruby, '--disable-gems', '-I', 'lib', '-I', "tmp/ext/#{RUBY_VERSION}",
                             *command.call('plain', name))
        errors = valgrind.errors
        puts "#{name}: #{errors.size} errors of ours, #{valgrind.seen} in all#{', and it failed' unless ended}", errors
        ended && errors.empty?
      end
    end
    abort "memory: failed under valgrind: #{failed.join(', ')}" unless failed.empty?
  end

  # Extensions built with the address sanitizer, beside the others: tmp/asan/RUBY_VERSION/polyphony.
  asan = "tmp/asan/#{RUBY_VERSION}"

  task :build_asan do
    # Not the stacks: a fiber that is dropped, or left by an exception, leaves their red zones behind.
    flags = '-fsanitize=address --param asan-stack=0 -fno-omit-frame-pointer -g -O1'
    Extension.all(Dir.pwd).each do |extension|
      build = File.join(asan, 'build', extension.name)
      mkdir_p [build, File.join(asan, 'polyphony')], verbose: false
      extconf = File.expand_path("ext/#{extension.name}/extconf.rb")
      cd(build, verbose: false) do
        sh RbConfig.ruby, extconf, "--with-cflags=#{flags}", '--with-ldflags=-fsanitize=address',
           out: File::NULL, verbose: false
        sh 'make', '-j2', out: File::NULL, verbose: false
      end
      cp File.join(build, File.basename(extension.target)), File.join(asan, 'polyphony'), verbose: false
    end
  end

  desc 'Run the memory workloads with the address sanitizer: rake memory:asan, or rake memory:asan[io,nested]'
  task :asan, [:name] => :build_asan do |_, args|
    library = `#{RbConfig::CONFIG['CC']} -print-file-name=libasan.so`.chomp
    abort 'memory: the compiler has no libasan' unless File.exist?(library)

    # Ruby never frees all it has, and switches stacks behind the sanitizer's back.
    env = { 'LD_PRELOAD' => File.realpath(library),
            'ASAN_OPTIONS' => 'detect_leaks=0:detect_stack_use_after_return=0:use_sigaltstack=0:abort_on_error=0' }
    %w[plain verify].each do |mode|
      choose.call(args).each do |name|
        sh env, *limit, RbConfig.ruby, '--disable-gems', '-I', 'lib', '-I', asan, *command.call(mode, name)
      end
    end
  end
end
