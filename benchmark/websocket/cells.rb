# frozen_string_literal: true

module Bench
  module WebSocket
    # What is measured: arguments of load.c.
    Cell = Struct.new(:id, :title, :mode, :connections, :bytes, :depth) do
      def arguments(port, seconds) = [mode, port, connections, seconds, bytes, depth].map(&:to_s)
    end

    CELLS = [
      Cell.new('echo', 'echo, 50 sockets, 64 bytes', 'echo', 50, 64, 1),
      Cell.new('burst', 'echo, 50 sockets, 16 texts at once', 'echo', 50, 64, 16),
      Cell.new('large', 'echo, 50 sockets, 16 KB', 'echo', 50, 16_000, 1),
      Cell.new('fanout', 'fan-out to 1,000 sockets', 'fanout', 1000, 64, 1),
      Cell.new('fanout10k', 'fan-out to 10,000 sockets', 'fanout', 10_000, 64, 1)
    ].to_h { |cell| [cell.id, cell] }.freeze

    # How a server is started, but for port and mode; and the gem or package it comes from.
    Peer = Struct.new(:name, :script, :gem)

    PEERS = [
      Peer.new('polyphony', 'polyphony.rb'),
      Peer.new('iodine', 'iodine.rb', 'iodine'),
      Peer.new('falcon', 'falcon.rb', 'async-websocket'),
      Peer.new('ws (Node)', 'ws.js', 'ws')
    ].to_h { |peer| [peer.name, peer] }.freeze
  end
end
