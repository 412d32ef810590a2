# frozen_string_literal: true

# One fiber owns a cache and has a name. A hundred that ask for a key at once have it fetched once.
#   bin/start examples/cache_server.rb
# prints
#
#   fetching /b
#   fetching /a
#   failed: /b is not there
#   100 times "body of /a"

require 'polyphony'

def fetch(path)
  puts "fetching #{path}"
  sleep 0.01
  path == '/a' ? "body of #{path}" : raise(IOError, "#{path} is not there")
end

# Fetches in a child, so that the next request is looked at meanwhile.
def cache
  bodies = {}
  waiting = Hash.new { |all, path| all[path] = [].tap { spin { answer(path, bodies, all) } } }
  receive_loop { |call| bodies.key?(call.message) ? call.reply(bodies[call.message]) : waiting[call.message] << call }
end

def answer(path, bodies, waiting)
  bodies[path] = fetch(path)
  waiting.delete(path).each { |call| call.reply(bodies[path]) }
rescue IOError => e
  waiting.delete(path).each { |call| call.fail(e) } # an error goes to who asked
end

Polyphony.register(:cache, spin { cache })
asking = Array.new(100) { spin { Polyphony[:cache].call('/a', timeout: 5) } }
begin
  Polyphony[:cache].call('/b')
rescue IOError => e
  puts "failed: #{e.message}"
end
Fiber.await(*asking).tally.each { |body, times| puts "#{times} times #{body.inspect}" }
