# frozen_string_literal: true

# docs/compatibility.md says what these specs have found, no more and no less.
RSpec.describe 'docs/compatibility.md' do
  let(:rows) do
    File.read(File.join(ROOT, 'docs/compatibility.md')).scan(/^\| \[?`([^`]+)`.*?\| (works|works, with a note|blocks) \|(.*)\|$/)
        .to_h { |gem, verdict, note| [gem, [verdict, note.strip]] }
  end
  let(:found) do
    Dir.glob(File.join(__dir__, '*_spec.rb')).flat_map { |file| File.read(file).scan(/^RSpec\.describe '([^']+)', compatibility: '([^']+)'/) }.to_h
  end

  it 'has a row for each gem that was tried, with what was found, and no other' do
    expect(rows.transform_values(&:first)).to eq(found)
  end

  it 'tells the way out where a gem does not simply work' do
    expect(rows.reject { |_, (verdict, note)| verdict == 'works' || note.size > 20 }).to eq({})
  end
end
