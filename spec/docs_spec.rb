# frozen_string_literal: true

require_relative 'support/run_ruby'

# Every ```ruby block of README.md and docs/*.md is run, as a script of its own. What follows a line
# "# output:" is what it must print. A block that is a part of something has, on the line before it, a
# directive that says how it is run:
#
#   <!-- run: before CODE -->    after that code
#   <!-- run: syntax WHY -->     only parsed, and why
#   <!-- run: status N -->       ends with that status
RSpec.describe 'the documentation' do
  root = File.expand_path('..', __dir__)
  files = [File.join(root, 'README.md'), *Dir.glob(File.join(root, 'docs', '**', '*.md'))].sort

  block = /(?:^<!-- run: (?<how>\w+) ?(?<text>.*?) -->\n+)?^```ruby\n(?<code>.*?)^```$/m

  files.each do |file|
    text = File.read(file)
    name = file.delete_prefix("#{root}/")
    found = text.to_enum(:scan, block).map { Regexp.last_match }

    it "#{name}: no block escapes" do
      expect(text.scan(/^\s*```ruby/).size).to eq(found.size)
      expect(found.map { |match| match[:how] }.uniq - [nil, 'before', 'syntax', 'status']).to eq([])
    end

    found.each do |match|
      line = match.pre_match.count("\n") + match[0][/.*?^```ruby/m].count("\n") + 1
      code, _, output = match[:code].partition(/^# output:\n/)

      if match[:how] == 'syntax'
        it "#{name}:#{line} parses (#{match[:text]})" do
          expect(match[:text]).not_to be_empty
          expect(RubyVM::InstructionSequence.compile(code)).to be_a(RubyVM::InstructionSequence)
        end
      else
        it "#{name}:#{line} runs and prints what it says" do
          script = match[:how] == 'before' ? "#{match[:text]}\n#{code}" : code
          out, err, status = run_ruby(script.include?("\n") ? script : "#{script}\n")
          expected = output.gsub(/^# ?/, '')
          expect([out, status.exitstatus]).to eq([expected, match[:how] == 'status' ? Integer(match[:text]) : 0])
          expect(err).to eq('') unless match[:how] == 'status'
        end
      end
    end
  end

  it 'links to files that exist' do
    files.each do |file|
      links = File.read(file).scan(/\]\(([^)#]+)/).flatten.reject { |link| link.include?('://') }
      missing = links.reject { |link| File.exist?(File.expand_path(link, File.dirname(file))) }
      expect([file, missing]).to eq([file, []])
    end
  end
end
