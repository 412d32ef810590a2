# frozen_string_literal: true

# A tree of supervisors: what fails is restarted, and what depends on it, and nothing else.
#
#   bin/start examples/supervision_tree.rb
#
# prints
#
#   start: a ready, b ready, total 1, total 3
#   crash of a: a ready, total 6
#   crash of the total: a ready, b ready, total 1
#   three crashes of a: a ready, a ready, workers gave up, a ready, b ready, total 3

require 'polyphony'

def total(sum = 0)
  receive_loop { |message| message == :crash ? raise('crash') : LOG << "total #{sum += message}" }
end

def worker(name, total)
  LOG << "#{name} ready"
  receive_loop { |message| message == :crash ? raise('crash') : total << message }
end

LOG, TREE = [], {}
spin do
  TREE[:total] = spin { total }
  spin(:workers) do # a supervisor, too: it gives up at the third crash, and is then restarted itself
    %i[a b].each { |name| TREE[name] = spin { worker(name, TREE[:total]) } }
    supervise(restart: :always, max_restarts: 2) { |_worker, _error| nil }
  end
  supervise(restart: :always, strategy: :rest_for_one) { |fiber, _error| LOG << 'workers gave up' if fiber.tag }
end

STEPS = { 'start' => [[:a, 1], [:b, 2]], 'crash of a' => [%i[a crash], [:a, 3]],
          'crash of the total' => [%i[total crash], [:a, 1]],
          'three crashes of a' => [%i[a crash]] * 3 << [:b, 2] }.freeze
STEPS.each do |title, messages|
  messages.each { |name, message| sleep(0.01) && TREE[name] << message }
  puts "#{title}: #{LOG.shift(LOG.size).join(', ')}" if sleep(0.01)
end
