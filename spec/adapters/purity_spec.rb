# frozen_string_literal: true

require 'json'
require_relative '../support/run_ruby'

# As spec/purity_spec.rb, with the gem of each adapter loaded before: nothing of it is changed.
RSpec.describe 'purity of adapters' do
  def changes(feature, *gems)
    probe = File.expand_path('../support/purity_probe.rb', __dir__)
    out, err, status = run_ruby(probe, feature, flags: gems.flat_map { |gem| ['-r', gem] })
    raise err unless status.success?

    JSON.parse(out)
  end

  { 'sqlite3' => %w[sqlite3], 'trilogy' => %w[trilogy], 'sequel' => %w[sequel sequel/extensions/fiber_concurrency],
    'active_record' => %w[active_record active_support/isolated_execution_state active_support/core_ext/string/filters active_record/connection_adapters] }.each do |adapter, gems|
    it "polyphony/adapters/#{adapter} adds constants of Polyphony only" do
      seen = changes("polyphony/adapters/#{adapter}", *gems)
      expect(seen.slice('added', 'changed', 'ancestors')).to eq('added' => [], 'changed' => [], 'ancestors' => [])
      expect(seen['constants'] - ['Object::Polyphony']).to eq([])
    end
  end
end
