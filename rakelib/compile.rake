# frozen_string_literal: true

require_relative '../bin/lib/extension'

# Every folder of ext/ that has an extconf.rb is an extension: ext/scheduler → polyphony/scheduler_ext.
extensions = Extension.all(File.expand_path('..', __dir__))

desc "Build the extensions into tmp/ext/#{RUBY_VERSION} (POLYPHONY_DEBUG=1: warnings are errors)"
task compile: extensions.map { |extension| "compile:#{extension.name}" }

namespace :compile do
  extensions.each do |extension|
    desc "Build #{extension.target} only"
    task(extension.name) { extension.build }
  end
end

desc 'Remove what was built for this Ruby'
task :clean do
  rm_rf "tmp/ext/#{RUBY_VERSION}"
  rm_rf %w[pkg doc .yardoc]
end
