# frozen_string_literal: true

# Descriptors. A sum that several fibers add to must not be read before a wait and written after it: each has its own.
module Bench
  KILOBYTE = ('x' * 1024).freeze

  row 'pipe', 'ping-pong over two pipes', unit: 'round trip', wanted: 110_000, over_async: 1.7 do |n|
    in_a, out_a = IO.pipe
    in_b, out_b = IO.pipe
    [out_a, out_b].each { |out| out.sync = true }
    bytes = 0
    go { n.times { out_a.write('x'); bytes += in_b.readpartial(1).bytesize }; [out_a, in_b].each(&:close) }
    go { n.times { in_a.readpartial(1); out_b.write('y') }; [out_b, in_a].each(&:close) }
    check('every byte came back') { bytes == n }
    n
  end

  pairs = lambda do |count|
    lambda do |n|
      bytes = Array.new(count, 0)
      count.times do |i|
        near, far = UNIXSocket.pair
        go { n.times { near.write(KILOBYTE); near.readpartial(1) }; near.close }
        go { n.times { bytes[i] += far.readpartial(1024).bytesize; far.write('k') }; far.close }
      end
      check('every message came whole') { bytes.sum == count * n * 1024 }
      count * n
    end
  end
  row('pairs50', '50 socketpairs, 1 KB and an answer', unit: 'message', &pairs.call(50))
  row('pairs100', '100 socketpairs, 1 KB and an answer', unit: 'message', wanted: 70_000, over_async: 1.5,
      &pairs.call(100))

  row 'pipes', '48 pipes one way, 1 KB', unit: 'message', wanted: 250_000, over_async: 1.8 do |n|
    bytes = Array.new(48, 0)
    48.times do |i|
      reader, writer = IO.pipe
      writer.sync = true
      go { n.times { writer.write(KILOBYTE) }; writer.close }
      go { n.times { bytes[i] += reader.readpartial(1024).bytesize }; reader.close }
    end
    check('every byte arrived') { bytes.sum == 48 * n * 1024 }
    48 * n
  end

  row 'accept', 'accept and connect over loopback, stock calls', unit: 'connection' do |n|
    port = free_port
    server = TCPServer.new('127.0.0.1', port)
    go { n.times { server.accept.close }; server.close }
    go { n.times { TCPSocket.new('127.0.0.1', port).close } }
    n
  end
end
