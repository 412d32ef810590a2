# frozen_string_literal: true

require 'iodine'

port, MODE = ARGV

# Its own publish and subscribe, for fanout.
module Peer
  def self.on_open(client) = MODE == 'fanout' ? client.subscribe('all') : nil
  def self.on_message(client, data) = MODE == 'fanout' ? Iodine.publish('all', data) : client.write(data)
end

app = lambda do |env|
  next [404, {}, []] unless env['rack.upgrade?'] == :websocket

  env['rack.upgrade'] = Peer
  [0, {}, []]
end
Iodine.threads = 1
Iodine.workers = 1
Iodine.listen(service: :http, url: "http://127.0.0.1:#{port}", handler: app, log: false, timeout: 255)
Iodine.start
