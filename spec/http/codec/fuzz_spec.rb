# frozen_string_literal: true

# The fuzz target over its corpus, and a little more; `rake fuzz` goes on for longer.
RSpec.describe 'The fuzz target of the HTTP/1 codec', timeout: 110 do
  it 'finds nothing in its corpus and in what is made from it' do
    result = run_ruby(nil, flags: ['-S', 'rake', "fuzz[20000,#{RSpec.configuration.seed}]"], chdir: ROOT, timeout: 100)
    files = Dir.children(File.join(ROOT, 'fuzz/corpus/http1')).size
    expect([result.status.success?, result.stdout[/\d+ files, \d+ changed: all well/]])
      .to eq([true, "#{files} files, 20000 changed: all well"]), result.stderr
  end
end
