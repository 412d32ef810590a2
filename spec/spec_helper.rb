# frozen_string_literal: true

# Loaded before every spec by .rspec. It sets the load path and the rules; it loads nothing of
# Polyphony, so that each spec requires the entry point it is about.

ROOT = File.expand_path('..', __dir__)
EXTENSION_DIR = File.join(ROOT, 'tmp', 'ext', RUBY_VERSION)

[EXTENSION_DIR, File.join(ROOT, 'lib')].each { |dir| $LOAD_PATH.unshift(dir) unless $LOAD_PATH.include?(dir) }

unless File.exist?(File.join(EXTENSION_DIR, 'polyphony', "scheduler_ext.#{RbConfig::CONFIG['DLEXT']}"))
  warn "No extension for Ruby #{RUBY_VERSION} in #{EXTENSION_DIR}: run `rake compile` or `bin/test`."
end

require_relative 'support/watchdog'
require_relative 'support/run_ruby'
require_relative 'support/run_pty'

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.expect_with(:rspec) do |expectations|
    expectations.syntax = :expect
    expectations.include_chain_clauses_in_custom_matcher_descriptions = true
    expectations.max_formatted_output_length = 2000
  end
  config.mock_with(:rspec) { |mocks| mocks.verify_partial_doubles = true }
  config.order = :random
  Kernel.srand config.seed

  config.backtrace_exclusion_patterns << %r{/spec/support/watchdog}
  config.raise_errors_for_deprecations!
  config.filter_run_when_matching :focus
  config.example_status_persistence_file_path = ENV.fetch('POLYPHONY_SPEC_STATE', nil) # see bin/lib/specs.sh

  config.include Support::RunRuby
  config.include Support::RunPty
  Support::Watchdog.install(config)
end
