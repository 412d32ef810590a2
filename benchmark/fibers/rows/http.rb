# frozen_string_literal: true

require_relative '../../support/hello_server'

# A stock client at work. The server is our small C program, in a process of its own.
module Bench
  row 'http_get', 'Net::HTTP, 50 fibers, keep-alive GETs', unit: 'GET', wanted: 13_500, over_async: 1.1 do |n|
    require 'net/http'
    port = HelloServer.port
    each = [n / 50, 1].max
    50.times do
      go do
        Net::HTTP.start('127.0.0.1', port) do |http|
          each.times { http.get('/').body == HelloServer::BODY or raise 'a wrong body' }
        end
      end
    end
    50 * each
  end

  row 'http_connect', 'Net::HTTP, 50 fibers, a new connection for each GET', unit: 'GET' do |n|
    require 'net/http'
    port = HelloServer.port
    each = [n / 50, 1].max
    50.times do
      go do
        each.times do
          body = Net::HTTP.start('127.0.0.1', port) { |http| http.get('/').body }
          body == HelloServer::BODY or raise 'a wrong body'
        end
      end
    end
    50 * each
  end
end
