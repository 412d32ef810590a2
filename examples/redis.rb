# frozen_string_literal: true

# Workers take jobs from Redis, and tell what they have done to whoever listens, in this process or another. Needs a
# Redis: REDIS_URL, or one at localhost.
#
#   bin/start examples/redis.rb
#
# prints
#
#   crunch: done
#   polish: done
#   sweep: done
#   3 jobs over 1 shared connection

require 'polyphony'
require 'polyphony/adapters/redis'

redis = Polyphony::Redis.new(url: ENV.fetch('REDIS_URL', 'redis://localhost:6379'))
redis.call('DEL', 'jobs')
done = Polyphony::Topic.new('done', over: redis)
reports = done.subscribe

workers = Array.new(2) do
  spin_loop do
    _, job = redis.blpop('jobs') # on a connection of its own, while it waits
    done << "#{job}: done"
  end
end

%w[sweep polish crunch].each { |job| redis.call('RPUSH', 'jobs', job) }
puts Array.new(3) { reports.receive }.sort
puts "3 jobs over #{redis.stats[:connects]} shared connection"
workers.each(&:stop)
