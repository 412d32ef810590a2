# frozen_string_literal: true

def installed?(command)
  ENV['PATH'].split(File::PATH_SEPARATOR).any? { |dir| File.executable?(File.join(dir, command)) }
end

desc 'Run the specs: rake spec, or rake spec[spec/fiber_spec.rb]'
task :spec, [:file] => :compile do |_, args|
  sh RbConfig.ruby, '-S', 'rspec', *args.to_a
end

desc 'Check style: RuboCop over the Ruby, clang-format over the C (each if installed)'
task lint: %i[lint:ruby lint:c]

namespace :lint do
  task :ruby do
    next warn('lint: rubocop is not installed; bin/lint installs it') unless installed?('rubocop')

    sh 'rubocop'
  end

  task :c do
    next warn('lint: clang-format is not installed') unless installed?('clang-format')

    files = FileList['{ext,fuzz}/**/*.[ch]']
    sh 'clang-format', '--dry-run', '-Werror', *files unless files.empty?
  end
end

desc 'Write the API documentation to doc/ and fail on what has none (needs yard)'
task :docs do
  abort 'docs: yard is not installed; bin/lint installs it' unless installed?('yard')

  sh 'yard', 'doc', '--quiet'
  listed = IO.popen(%w[yard stats --list-undoc --compact --no-save --no-progress], &:read)
  missing = listed[/^Undocumented Objects:\n(.*)/m, 1]
  abort "docs: these have no documentation:\n#{missing}" if missing
end

desc 'Run a benchmark, benchmark/NAME/run.rb: rake bench[:fibers]'
task :bench, [:name] => :compile do |_, args|
  known = FileList['benchmark/*/run.rb'].map { |file| File.basename(File.dirname(file)) }
  name = args.name.to_s.delete_prefix(':')
  abort "bench: no benchmark named #{name.inspect}; there are: #{known.join(', ')}" unless known.include?(name)

  ruby '-I', 'lib', '-I', "tmp/ext/#{RUBY_VERSION}", "benchmark/#{name}/run.rb", *args.extras
end
