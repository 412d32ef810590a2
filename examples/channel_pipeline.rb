# frozen_string_literal: true

# A pipeline: three stages, joined by channels. Each works at its own pace, none gets far ahead, since the
# channels hold two messages only, and the end, or an error, runs through all of them.
#
#   bin/start examples/channel_pipeline.rb
#
# prints
#
#   3 words of 5 letters: words water sound
#   reading failed: no more paper

require 'polyphony'

def read(lines, out)
  lines.each { |line| out << (line || raise(IOError, 'no more paper')) }
  out.close
rescue IOError => e
  out.close(e)
end

def split(lines, out)
  lines.each { |line| line.split.each { |word| out << word } }
  out.close
rescue IOError => e
  out.close(e)
end

def count(text)
  lines, words = Array.new(2) { Polyphony::Channel.new(2) }
  spin(:read) { read(text, lines) }
  spin(:split) { split(lines, words) }
  found = words.lazy.select { |word| word.size == 5 }.to_a
  puts "#{found.size} words of 5 letters: #{found.join(' ')}"
rescue IOError => e
  puts "reading failed: #{e.message}"
end

count(['five words', 'water', 'and some sound'])
count(['one line', nil])
