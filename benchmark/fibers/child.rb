# frozen_string_literal: true

# Runs one row on one peer in this process and prints one line of JSON; run.rb starts it, and so can you (for perf):
#   ruby benchmark/fibers/child.rb PEER ROW [N]
#   ruby benchmark/fibers/child.rb PEER --version
require 'json'
require 'socket'
require 'io/wait'
require_relative 'peers'
require_relative 'row'
require_relative 'stage'
require_relative '../support/tree'

def answer(hash)
  $stdout.puts JSON.generate(hash)
  $stdout.flush
end

peer_name, row_id, n = ARGV
abort "usage: #{$PROGRAM_NAME} PEER ROW [N]" unless row_id
peer = Bench::PEERS.fetch(peer_name) { abort "unknown peer #{peer_name}; known: #{Bench::PEERS.keys.join(', ')}" }
ENV['POLYPHONY_MAIN'] = '0' # this script is not to be adopted as a Polyphony program
Bench::Tree.current.put_on_load_path if peer_name == Bench::OURS

begin
  version = peer.load
rescue LoadError => e # that a gem is not installed is one, too
  answer(missing: e.message.lines.first.strip)
  exit
end
if row_id == '--version'
  answer(version: version)
  exit
end

row = Bench::Row::ALL.fetch(row_id) { abort "unknown row #{row_id}; known: #{Bench::Row::ALL.keys.join(', ')}" }
begin
  peer.load_own if row.own?
  seconds = ENV.fetch('BENCH_SECONDS', '0.7').to_f
  answer(Bench::Stage.new(peer, row, seconds: seconds).measure(n&.to_i))
rescue Bench::Stage::Failure, StandardError => e
  answer(failed: e.message.lines.first.to_s.strip[0, 160])
end
exit!(true) # whatever a peer does at exit is none of the figure
