# frozen_string_literal: true

# The tight loops of Thread.current.backend, beside the loop that users of the others write for the same work.
module Bench
  # 50 socketpairs as in pairs50; only how the answering end reads differs.
  serve = lambda do |stage, n, start, wait, &answer|
    bytes = Array.new(50, 0)
    fibers = Array.new(50) do |i|
      near, far = UNIXSocket.pair
      [start.call { n.times { near.write(KILOBYTE); near.readpartial(1) }; near.close },
       start.call { answer.call(far) { |data| bytes[i] += data.bytesize; far.write('k') }; far.close }]
    end
    fibers.flatten.each(&wait)
    stage.check('every message came whole') { bytes.sum == 50 * n * 1024 }
    50 * n
  end
  plainly = lambda do |socket, &block|
    loop { block.call(socket.readpartial(8192)) }
  rescue EOFError
    nil
  end
  by_loop = ->(socket, &block) { Thread.current.backend.read_loop(socket, 8192, &block) }

  row 'read_loop', '50 socketpairs, the answering end in `read_loop`', unit: 'message',
      polyphony: ->(n) { serve.call(self, n, Polyphony.method(:spin), :await, &by_loop) },
      polyphony16: ->(n) { serve.call(self, n, method(:spin), :await, &by_loop) },
      async: ->(n) { serve.call(self, n, method(:Async), :wait, &plainly) },
      threads: ->(n) { serve.call(self, n, Thread.method(:new), :join, &plainly) }

  accepted = lambda do |stage, n, start, wait, &accept|
    port = stage.free_port
    server = TCPServer.new('127.0.0.1', port)
    count = 0
    taker = start.call { accept.call(server) { |client| client.close; break if (count += 1) == n } }
    n.times { TCPSocket.new('127.0.0.1', port).close }
    taker.public_send(wait)
    server.close
    stage.check('every connection was accepted') { count == n }
    n
  end
  accept_plainly = ->(server, &block) { loop { block.call(server.accept) } }
  accept_by_loop = ->(server, &block) { Thread.current.backend.accept_loop(server, &block) }
  accept_by_loop16 = ->(server, &block) { Thread.current.backend.accept_loop(server, TCPSocket, &block) }

  row 'accept_loop', 'accept and connect, accepting in `accept_loop`', unit: 'connection',
      polyphony: ->(n) { accepted.call(self, n, Polyphony.method(:spin), :await, &accept_by_loop) },
      polyphony16: ->(n) { accepted.call(self, n, method(:spin), :await, &accept_by_loop16) },
      async: ->(n) { accepted.call(self, n, method(:Async), :wait, &accept_plainly) },
      threads: ->(n) { accepted.call(self, n, Thread.method(:new), :join, &accept_plainly) }
end
