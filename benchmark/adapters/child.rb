# frozen_string_literal: true

# Runs one contender of one row in this process and prints one line of JSON; run.rb starts it, and so can you:
#   ruby -I lib -I tmp/ext/RUBY_VERSION benchmark/adapters/child.rb ROW CONTENDER
require 'json'
require_relative 'row'
require_relative 'stage'

row_id, name = ARGV
row = Bench::Adapters::Row::ALL.fetch(row_id) { abort "unknown row #{row_id.inspect}" }
contender = row.contenders.fetch(name) { abort "unknown contender; there are: #{row.contenders.keys.join(', ')}" }
ENV['POLYPHONY_MAIN'] = '0' # this script is not to be adopted as a Polyphony program

answer =
  begin
    Bench::Adapters::Stage.new(row, contender, seconds: ENV.fetch('BENCH_SECONDS', '1').to_f).measure
  rescue LoadError => e
    { missing: e.message.lines.first.strip }
  rescue StandardError => e
    { failed: "#{e.class}: #{e.message.lines.first.to_s.strip}"[0, 160] }
  end
$stdout.puts JSON.generate(answer)
$stdout.flush
exit!(true) # whatever a runtime does at exit is none of the figure
