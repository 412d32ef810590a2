# frozen_string_literal: true

# Many things at once: looks a hundred things up at a time, takes the fastest of three, gives up on a slow one.
#
#   bin/start examples/fan_out.rb
#
# prints
#
#   100 answers, the first 0, the last 99
#   fastest: mirror 2
#   gave up

require 'polyphony'

def look_up(number)
  sleep 0.05 # a database, a web service
  number
end

def download(mirror, seconds)
  sleep seconds
  mirror
end

answers = Fiber.await(*Array.new(100) { |i| spin { look_up(i) } })
puts "#{answers.size} answers, the first #{answers.first}, the last #{answers.last}"

mirrors = { 'mirror 1' => 5, 'mirror 2' => 0.01, 'mirror 3' => 10 }
downloads = mirrors.map { |name, seconds| spin(name) { download(name, seconds) } }
_, fastest = Fiber.select(*downloads, stop_others: true)
puts "fastest: #{fastest}"

puts move_on_after(0.05, with_value: 'gave up') { download('slow', 60) }
