# frozen_string_literal: true

# Load: many requests, and many connections. Needs wrk and h2load (Debian: wrk, nghttp2-client).
namespace :load do
  desc 'Send a server many requests, and idle connections: rake load:http, or rake load:http[1000000,10000]'
  task :http, %i[requests connections] => :compile do |_, args|
    missing = %w[wrk h2load].reject { |name| installed?(name) }
    abort "load: #{missing.join(' and ')} not installed" unless missing.empty?

    numbers = [args[:requests] || '1000000', args[:connections] || '10000']
    ruby '-I', 'lib', '-I', "tmp/ext/#{RUBY_VERSION}", 'spec/support/http_load.rb', *numbers
  end

  desc 'Hold many WebSockets, and send to all of them: rake load:websocket, or rake load:websocket[10000]'
  task :websocket, %i[sockets] => :compile do |_, args|
    ruby '-I', 'lib', '-I', "tmp/ext/#{RUBY_VERSION}", 'spec/support/websocket_load.rb', args[:sockets] || '10000'
  end

  desc 'Say what streams of HTTP/2 take that wait: rake load:http2_memory, or rake load:http2_memory[1000,100]'
  task :http2_memory, %i[connections streams] => :compile do |_, args|
    numbers = [args[:connections] || '1000', args[:streams] || '100']
    ruby '-I', 'lib', '-I', "tmp/ext/#{RUBY_VERSION}", 'spec/support/http2_memory.rb', *numbers
  end
end
