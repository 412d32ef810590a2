# frozen_string_literal: true

require 'polyphony/http/operation'
require 'tmpdir'

# What the documents say of settings, limits and log lines is so.
RSpec.describe 'docs/deploying.md and docs/serving.md' do
  deploying = File.read(File.join(ROOT, 'docs/deploying.md'))
  serving = File.read(File.join(ROOT, 'docs/serving.md'))

  it 'have a configuration file with every setting' do
    text = deploying[/^```ruby\n(app .*?)^```$/m, 1]
    Dir.mktmpdir do |folder|
      File.write(File.join(folder, 'settings.rb'), text)
      configuration = Polyphony::HTTP::Operation::Configuration.new(file: File.join(folder, 'settings.rb'))
      expect([configuration.workers, configuration.preload, configuration.grace]).to eq([Etc.nprocessors, true, 30])
    end
    names = Polyphony::HTTP::Operation::Settings::DEFAULTS.keys - [:access_log_format]
    expect(names.grep_v(/\A(#{text.scan(/^(\w+)/).join('|')})\z/)).to eq([])
  end

  it 'have every limit with its default' do
    tables = serving + File.read(File.join(ROOT, 'docs/http2.md'))
    missing = Polyphony::HTTP::Limits::DEFAULTS.reject do |name, default|
      number = default.to_i >= 1 << 20 ? "#{default >> 20} MB" : default.to_s.gsub(/(?<=\d)(?=\d{3}\z)/, ',')
      tables.match?(/^\| `#{name}` \| #{default ? number : 'none'}[ ,]/)
    end
    expect(missing).to eq({})
  end

  it 'have words to grep for that there are in the code' do
    code = Dir.glob(File.join(ROOT, 'lib/polyphony/http/**/*.rb')).map { |file| File.read(file) }.join
    table = serving[/^\| Grep for.*?\n\n/m]
    words = table.scan(/^\| (`.*?`) \|/).flatten.flat_map { |cell| cell.scan(/`([^`]+)`/).flatten }.grep_v(/\\d|\[/)
    expect(words.size).to be > 10
    expect(words.reject { |word| code.include?(word) }).to eq([])
  end
end
