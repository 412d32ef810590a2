# frozen_string_literal: true

require 'socket'

# Passes bytes between clients and a server, in threads of its own, until it is told to stall: then the connections
# stay, and nothing comes through.
class StallingProxy
  attr_reader :port

  def initialize(port)
    @target = port
    @server = TCPServer.new('127.0.0.1', 0)
    @port = @server.addr[1]
    @sockets = []
    @stalled = false
    @thread = Thread.new { serve }
    @thread.report_on_exception = false
  end

  def stall
    @stalled = true
  end

  def flow
    @stalled = false
  end

  def close
    @thread.kill.join
    [@server, *@sockets].each(&:close)
  end

  private

  def serve
    pairs = {}
    loop do
      ready = @stalled ? (sleep(0.01) && []) : (IO.select([@server, *pairs.keys], nil, nil, 0.02)&.first || [])
      next if @stalled

      ready.each { |socket| socket == @server ? admit(pairs) : forward(socket, pairs) }
    end
  end

  def admit(pairs)
    client = @server.accept
    server = TCPSocket.new('127.0.0.1', @target)
    pairs.update(client => server, server => client)
    @sockets.push(client, server)
  end

  def forward(socket, pairs)
    pairs[socket]&.write(socket.readpartial(65_536))
  rescue IOError, SystemCallError
    [socket, pairs.delete(socket)].compact.each do |end_of|
      pairs.delete(end_of)
      end_of.close
      @sockets.delete(end_of)
    end
  end
end
