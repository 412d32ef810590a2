# frozen_string_literal: true

require_relative '../support/stock'
require 'socket'

RSpec.describe 'IO.select beside a ticker fiber', :stock do
  if Stock::IO_SELECT_HOOK
    it 'waits for one of several to be readable' do
      first, = pipe
      second, writer = pipe
      expect(beside_ticker(-> { writer.write('x') }) { IO.select([first, second]) == [[second], [], []] }).to be(true)
    end

    it 'waits for room to write' do
      reader, writer = pipe
      nil until writer.write_nonblock('.' * 65_536, exception: false) == :wait_writable
      selected = beside_ticker(-> { reader.readpartial(65_536) }) { IO.select(nil, [writer]) == [[], [writer], []] }
      expect(selected).to be(true)
    end

    it 'reports readable and writable of one socket at once' do
      ours, theirs = UNIXSocket.pair.each { |io| keep(io) }
      theirs.write('x')
      found = nil
      in_scheduler { Fiber.schedule { found = IO.select([ours], [ours]).map(&:size) } }
      expect(found).to eq([1, 1, 0])
    end

    it 'returns nil when its timeout is up' do
      reader, = pipe
      expect(beside_ticker { IO.select([reader], nil, nil, 0.02) }).to be_nil
    end

    it 'with nothing to wait for sleeps for its timeout' do
      expect(beside_ticker { IO.select(nil, nil, nil, 0.02) }).to be_nil
    end

    it 'takes the same IO twice' do
      reader, writer = pipe
      expect(beside_ticker(-> { writer.write('x') }) { IO.select([reader, reader]).map(&:size) }).to eq([2, 0, 0])
    end

    it 'takes objects with to_io and returns those objects' do
      reader, writer = pipe
      wrapper = Struct.new(:to_io).new(reader)
      expect(beside_ticker(-> { writer.write('x') }) { IO.select([wrapper]).first.first.equal?(wrapper) }).to be(true)
    end

    it 'sees a waiting connection' do
      server = keep(TCPServer.new('127.0.0.1', 0))
      event = -> { keep(TCPSocket.new('127.0.0.1', server.addr[1])) }
      expect(beside_ticker(event) { IO.select([server]).map(&:size) }).to eq([1, 0, 0])
    end

    it 'two fibers select the same IO: both wake' do
      reader, writer = pipe
      woken = []
      in_scheduler do
        2.times { |i| Fiber.schedule { IO.select([reader]) and woken << i } }
        Fiber.schedule { give_way and writer.write('x') }
      end
      expect(woken).to contain_exactly(0, 1)
    end
  else
    it 'blocks the thread (Ruby < 3.2 has no hook for it)' do
      reader, writer = pipe
      expect(blocks_the_thread(-> { writer.write('x') }) { IO.select([reader]).map(&:size) }).to eq([1, 0, 0])
    end

    it 'the way out for one IO: IO#wait' do
      reader, writer = pipe
      expect(beside_ticker(-> { writer.write('x') }) { reader.wait(IO::READABLE, 60) }).to be_truthy
    end

    it 'the way out for several: a thread' do
      reader, writer = pipe
      selected = beside_ticker(-> { writer.write('x') }) { Thread.new { IO.select([reader]).map(&:size) }.value }
      expect(selected).to eq([1, 0, 0])
    end
  end

  it 'sees at once what Ruby has read ahead' do
    reader, writer = pipe
    writer.write("one\ntwo\n")
    found = nil
    in_scheduler { Fiber.schedule { reader.gets and found = IO.select([reader]).map(&:size) } }
    expect(found).to eq([1, 0, 0])
  end

  it 'with a timeout of 0 looks and never waits' do
    reader, = pipe
    found = :none
    in_scheduler { Fiber.schedule { found = IO.select([reader], nil, nil, 0) } }
    expect(found).to be_nil
  end

  it 'refuses a closed IO' do
    reader, = pipe
    reader.close
    expect { in_scheduler { Fiber.schedule { IO.select([reader]) } } }.to raise_error(IOError)
  end
end
