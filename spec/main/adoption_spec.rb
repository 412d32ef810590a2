# frozen_string_literal: true

require_relative '../support/script'
require_relative 'cases'

RSpec.describe 'An adopted script, beside the same script without Polyphony' do
  include Support::Script

  # Tells, once the script is over, whether it was adopted: comparing two plain runs would prove nothing.
  # Unknown when a signal or exit! ended it.
  WATCH = <<~'RUBY'
    at_exit { File.write(ENV.fetch('ADOPTED'), Polyphony::Main.adopted?) if defined?(Polyphony::Main) }
  RUBY

  def run_watched(script)
    Dir.mktmpdir do |dir|
      watch = File.join(dir, 'watch.rb')
      adopted = File.join(dir, 'adopted')
      File.write(watch, WATCH)
      options = script.options.dup
      options[:flags] = ['-r', watch, *options[:flags]]
      options[:env] = { 'ADOPTED' => adopted, **options.fetch(:env, {}) }
      [*run_both(script.code, **options), File.exist?(adopted) ? File.read(adopted) : nil]
    end
  end

  MainCases::ALL.each do |name, script|
    next if script.differs # these have examples of their own

    it "is the same: #{name}" do
      adopted, plain, state = run_watched(script)
      expect(adopted.to_h).to eq(plain.to_h)
      expect(state).to eq((!script.left).to_s).or be_nil
    end
  end
end
