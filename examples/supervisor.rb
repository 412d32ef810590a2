# frozen_string_literal: true

# Errors go up: a failing worker ends its siblings, whoever supervises them decides what comes next.
#
#   bin/start examples/supervisor.rb
#
# prints
#
#   try 1: worker 2 failed on job 3; worker 1 has been told to clean up
#   try 2: worker 2 failed on job 3; worker 1 has been told to clean up
#   try 3: all done

require 'polyphony'

def worker_one(jobs, log)
  jobs.each { |_job| sleep 0.05 }
ensure
  log << 'worker 1 has been told to clean up' if $!
end

def worker_two(jobs, fail_on)
  jobs.each do |job|
    sleep 0.001
    raise "worker 2 failed on job #{job}" if job == fail_on
  end
end

(1..3).each do |try|
  log = []
  spin(:one) { worker_one(1..5, log) }
  spin(:two) { worker_two(1..5, try < 3 ? 3 : nil) }
  supervise
  puts "try #{try}: all done"
rescue RuntimeError => e
  puts "try #{try}: #{e.message}; #{log.first}"
end
