# frozen_string_literal: true

require 'polyphony/core'
require 'socket'
require 'io/nonblock'
require 'io/wait'

# For spec/backend: every example marked `:backend` is the main fiber of Polyphony.run, with real pipes and
# sockets that are closed after it.
module BackendExamples
  def backend
    Polyphony.backend
  end

  def spin(...)
    Polyphony.spin(...)
  end

  # Lets other fibers run until those given wait.
  def wait_for(*fibers)
    sleep 0 until fibers.all? { |fiber| %i[waiting dead].include?(fiber.state) }
  end

  def keep(io)
    @kept << io
    io
  end

  # @return [Array(IO, IO)]
  def pipe
    IO.pipe.each { |io| keep(io) }
  end

  # @return [Array(UNIXSocket, UNIXSocket)]
  def sockets
    UNIXSocket.pair.each { |io| keep(io) }
  end

  # @return [TCPServer] on a free port of the loopback
  def tcp_server
    keep(TCPServer.new('127.0.0.1', 0))
  end

  # @return [TCPSocket]
  def tcp_client(server)
    keep(TCPSocket.new('127.0.0.1', server.local_address.ip_port))
  end

  # Fills what the kernel takes of a socket or pipe that nobody reads.
  # @return [Integer] bytes
  def fill(io)
    total = 0
    while (n = io.write_nonblock('f' * 65_536, exception: false)).is_a?(Integer)
      total += n
    end
    total
  end

  def self.install(config)
    config.include self, :backend
    config.around(:each, :backend) do |example|
      @kept = []
      Polyphony.run { example.run }
    ensure
      @kept.each { |io| io.close unless io.closed? }
    end
  end
end

RSpec.configure { |config| BackendExamples.install(config) }
