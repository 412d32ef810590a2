# frozen_string_literal: true

require_relative '../support/backend'

RSpec.describe 'Polyphony::Backend#recv, #send and #splice', :backend do
  def udp_pair
    left, right = Array.new(2) { keep(UDPSocket.new).tap { |socket| socket.bind('127.0.0.1', 0) } }
    left.connect('127.0.0.1', right.addr[1])
    right.connect('127.0.0.1', left.addr[1])
    [left, right]
  end

  it 'sends and receives datagrams, empty ones too' do
    left, right = udp_pair
    got = spin { Array.new(3) { backend.recv(right) } }
    wait_for(got)
    expect(['one', '', 'three'].map { |text| backend.send(left, text) }).to eq([3, 0, 5])
    expect(got.await).to eq(['one', '', 'three'])
  end

  it 'receives no more than asked for, whatever the datagram holds' do
    left, right = udp_pair
    2.times { backend.send(left, 'x' * 5000) }
    expect(backend.recv(right, 10)).to eq('x' * 10)
    expect(backend.recv(right, 10, Socket::MSG_TRUNC)).to eq('x' * 10)
  end

  it 'receives from a stream until its end' do
    left, right = sockets
    backend.send(left, 'bytes')
    left.close
    expect([backend.recv(right, 3), backend.recv(right), backend.recv(right)]).to eq(['byt', 'es', nil])
  end

  it 'hands flags on' do
    left, right = sockets
    left.write('peeked')
    expect([backend.recv(right, 100, Socket::MSG_PEEK), backend.recv(right)]).to eq(%w[peeked peeked])
  end

  it 'waits while a socket takes nothing' do
    left, right = sockets
    full = fill(left)
    sent = spin { backend.send(left, 'last') }
    wait_for(sent)
    expect(sent.state).to eq(:waiting)
    got = 0
    got += backend.recv(right, 65_536).size until got == full + 4
    expect(sent.await).to eq(4)
  end

  it 'raises EPIPE without a signal' do
    left, right = sockets
    right.close
    expect { backend.send(left, 'x') }.to raise_error(Errno::EPIPE)
  end

  it 'can be stopped, and is ended by a close' do
    left, = sockets
    got = spin { backend.recv(left) }
    wait_for(got)
    got.stop
    again = spin { backend.recv(left) }
    wait_for(again)
    begin
      left.close
    rescue IOError
      nil
    end
    expect { again.await }.to raise_error(IOError)
  end

  it 'refuses what is no socket, no length, no string' do
    reader, = pipe
    left, = sockets
    expect { backend.recv(reader) }.to raise_error(TypeError, /no socket/)
    expect { backend.send(reader, 'x') }.to raise_error(TypeError, /no socket/)
    expect { backend.recv(left, -1) }.to raise_error(ArgumentError, /negative/)
    expect { backend.send(left, 12) }.to raise_error(TypeError)
    expect { backend.recv(left, 10, 'flags') }.to raise_error(TypeError)
  end

  if Polyphony::Backend.method_defined?(:splice)
    it 'moves bytes from a socket into a pipe, waiting for both' do
      left, right = sockets
      reader, writer = pipe
      moved = spin { backend.splice(right, writer, 100) }
      wait_for(moved)
      left.write('spliced')
      expect([moved.await, backend.read(reader)]).to eq([7, 'spliced'])
    end

    it 'goes on until the end with a negative length, however much there is' do
      left, right = sockets
      reader, writer = pipe
      moved = spin { backend.splice(right, writer, -1).tap { writer.close } }
      sent = spin { left.write('m' * 400_000) && left.close }
      expect(reader.read.size).to eq(400_000)
      expect([moved.await, sent.await]).to match([400_000, anything])
    end

    it 'gives 0 at the end' do
      left, right = sockets
      _, writer = pipe
      left.close
      expect(backend.splice(right, writer, 10)).to eq(0)
    end

    it 'refuses to lose what Ruby has read ahead, and two that are no pipe' do
      left, right = sockets
      _, writer = pipe
      left.write("line\nmore")
      right.gets
      expect { backend.splice(right, writer, 10) }.to raise_error(IOError, /read ahead/)
      expect { backend.splice(left, sockets.first, 10) }.to raise_error(Errno::EINVAL)
    end
  end
end
