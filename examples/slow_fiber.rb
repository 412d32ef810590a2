# frozen_string_literal: true

# One fiber computes, and all others wait for it. The watchdog names it, and where it was; the tree shows all others.
#
#   bin/start examples/slow_fiber.rb
#
# prints
#
#   page made all others wait, in render
#   main running
#   clock waiting on sleep
#   visitor waiting on receive
#   … 98 more like this

require 'polyphony'

def render
  finish = Polyphony.now + 0.5
  nil while Polyphony.now < finish
end

reports = Queue.new
Polyphony.watchdog(0.1, every: 0) { |report| reports << report }

spin(:clock) { every(60) { puts 'a minute' } }
99.times { spin(:visitor) { receive } }
spin(:page) { render }

report = reports.pop until report&.fiber&.tag == :page
puts "page made all others wait, in #{report.backtrace.join[/render/]}"

lines = Polyphony.tree(fold: 1).lines.drop(1)
puts(lines.map { |line| line[/… .*|\w+ \w+( on \w+)?/] })
