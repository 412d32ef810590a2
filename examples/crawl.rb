# frozen_string_literal: true

# Fetches a site page by page, each in a fiber of its own, until all that is linked has been seen. One scope holds them
# all: fibers spin fibers that outlive them, and a failed one ends the rest.
#
#   bin/start examples/crawl.rb
#
# prints
#
#   6 pages: /, /about, /docs, /docs/api, /docs/guide, /team
#   /broken: 500 (RuntimeError), and 1 more

require 'polyphony'

SITE = {
  '/' => %w[/about /docs], '/about' => %w[/team /], '/team' => [], '/docs' => %w[/docs/api /docs/guide],
  '/docs/api' => %w[/docs], '/docs/guide' => %w[/docs /docs/api]
}.freeze

def fetch(page)
  sleep 0.01 # a network
  SITE.fetch(page) { raise "#{page}: 500" }
ensure
  raise IOError, 'connection lost' if page == '/slow'
end

def crawl(page, scope, seen)
  return if seen[page]

  seen[page] = true
  fetch(page).each { |link| scope.spin(link) { crawl(link, scope, seen) } }
end

seen = {}
Polyphony.scope(:crawl) { |scope| crawl('/', scope, seen) }
puts "#{seen.size} pages: #{seen.keys.sort.join(', ')}"
begin
  Polyphony.scope { |scope| %w[/broken /slow].each { |page| scope.spin { fetch(page) } } }
rescue StandardError => e
  puts "#{e.message} (#{e.class}), and #{Polyphony.suppressed(e).size} more"
end
