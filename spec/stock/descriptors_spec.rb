# frozen_string_literal: true

require_relative '../support/stock'
require 'socket'

# Debian's libev aborts the process when a watcher outlives its descriptor, so each example has its own.
RSpec.describe 'Descriptors that change under a waiter', :stock do
  def line_or_error
    yield
  rescue IOError, SystemCallError => e
    e.class.name
  end

  # Two IO objects over one descriptor number.
  def second_object(io, autoclose:)
    IO.for_fd(io.fileno, autoclose: autoclose)
  end

  it 'a dup that is closed leaves the waiter alone' do
    line = in_child do
      reader, writer = pipe
      copy = reader.dup
      event = -> { copy.close or give_way and writer.puts 'hello' }
      beside_ticker(event) { reader.gets }
    end
    expect(line).to eq("hello\n")
  end

  it 'a fiber that waits on a dup goes on when the original is closed' do
    line = in_child do
      reader, writer = pipe
      copy = reader.dup
      event = -> { reader.close or give_way and writer.puts 'hello' }
      beside_ticker(event) { copy.gets }
    end
    expect(line).to eq("hello\n")
  end

  it 'fibers wait on a descriptor and on its dup: the one that is closed ends, the other goes on' do
    lines = in_child do
      reader, writer = pipe
      copy = reader.dup
      got = {}
      in_scheduler do
        Fiber.schedule { got[:original] = line_or_error { reader.gets } }
        Fiber.schedule { got[:copy] = line_or_error { copy.gets } }
        Fiber.schedule { give_way and reader.close or give_way and writer.puts 'hello' }
      end
      got
    end
    expect(lines).to eq(original: 'IOError', copy: "hello\n")
  end

  it 'a number used again under a waiter: the old wait ends, the new one works' do
    lines = in_child do
      old, = pipe
      got = {}
      in_scheduler do
        Fiber.schedule { got[:old] = line_or_error { old.gets } }
        Fiber.schedule do
          number = old.fileno
          old.close
          reader, writer = pipe
          got[:same_number] = [reader, writer].map(&:fileno).include?(number)
          Fiber.schedule { got[:new] = line_or_error { reader.gets } }
          give_way and writer.puts 'hello'
        end
      end
      got
    end
    expect(lines).to eq(old: 'IOError', same_number: true, new: "hello\n")
  end

  it 'a number used again for data that is there at once does not reach the old waiter' do
    got = in_child do
      old, = pipe
      result = nil
      in_scheduler do
        Fiber.schedule { result = line_or_error { old.gets } }
        Fiber.schedule do
          old.close
          pipe.last.puts 'not yours'
        end
      end
      result
    end
    expect(got).to eq('IOError')
  end

  it 'a number used again a thousand times' do
    lines = in_child do
      got = []
      in_scheduler do
        Fiber.schedule do
          1000.times do |i|
            reader, writer = IO.pipe
            Fiber.schedule { writer.puts(i) or writer.close }
            got << Integer(reader.gets)
            reader.close
          end
        end
      end
      got
    end
    expect(lines).to eq((0...1000).to_a)
  end

  it 'the descriptor closed through a second IO object ends the wait with an error' do
    outcome = in_child do
      reader, = pipe
      second = second_object(reader, autoclose: true)
      error = line_or_error { beside_ticker(-> { second.close }) { reader.gets } }
      reader.autoclose = false
      error
    end
    expect(outcome).to eq('IOError').or eq('Errno::EBADF')
  end

  it 'a second IO object that does not own the descriptor may be closed' do
    line = in_child do
      reader, writer = pipe
      second = second_object(reader, autoclose: false)
      event = -> { second.close or give_way and writer.puts 'hello' }
      beside_ticker(event) { reader.gets }
    end
    expect(line).to eq("hello\n")
  end

  it 'fibers wait through two IO objects of one descriptor: both wake' do
    woken = in_child do
      reader, writer = pipe
      second = second_object(reader, autoclose: false)
      got = []
      in_scheduler do
        Fiber.schedule { reader.wait_readable and got << 1 }
        Fiber.schedule { second.wait_readable and got << 2 }
        Fiber.schedule { give_way and writer.write('x') }
      end
      got
    end
    expect(woken).to contain_exactly(1, 2)
  end

  it 'IO#reopen under a waiter ends the wait, or serves it from the new file; it never hangs' do
    outcome = in_child do
      old, = pipe
      fresh, writer = pipe
      writer.puts 'hello'
      line_or_error { beside_ticker(-> { old.reopen(fresh) }) { old.gets } }
    end
    expect(outcome).to eq('IOError').or eq("hello\n")
  end

  it 'a peer that resets gives ECONNRESET to the waiter' do
    server = keep(TCPServer.new('127.0.0.1', 0))
    client = keep(TCPSocket.new('127.0.0.1', server.addr[1]))
    peer = keep(server.accept)
    reset = lambda do
      peer.setsockopt(Socket::Option.linger(true, 0))
      peer.close
    end
    expect { beside_ticker(reset) { client.readpartial(1) } }.to raise_error(Errno::ECONNRESET)
  end

  it 'a peer that resets ends a waiting write' do
    server = keep(TCPServer.new('127.0.0.1', 0))
    client = keep(TCPSocket.new('127.0.0.1', server.addr[1]))
    peer = keep(server.accept)
    reset = lambda do
      peer.setsockopt(Socket::Option.linger(true, 0))
      peer.close
    end
    expect { beside_ticker(reset) { client.write('x' * 32_000_000) } }
      .to raise_error(SystemCallError) { |e| expect(e).to be_a(Errno::ECONNRESET).or be_a(Errno::EPIPE) }
  end

  it 'an IO that nobody refers to any more, collected with its waiter gone' do
    expect(in_child do
      reader, writer = IO.pipe
      event = -> { writer.puts 'hello' }
      lines = Array.new(3) do
        other, feed = IO.pipe
        beside_ticker(-> { feed.puts 'hello' }) { other.gets }
      end
      GC.start
      lines << beside_ticker(event) { reader.gets }
    end).to eq(["hello\n"] * 4)
  end
end
