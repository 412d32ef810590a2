# frozen_string_literal: true

require_relative '../support/stock'
require 'socket'

# Debian's libev aborts the process when a watcher outlives its descriptor, so each example has its own.
RSpec.describe 'IO#close under a waiter, beside a ticker fiber', :stock do
  # What happened to the waiter and to the fiber that closed +io+.
  def close_under(io, &wait)
    in_child do
      closer = :harmed
      event = lambda do
        io.close
        closer = :unharmed
      end
      waiter = begin
        beside_ticker(event, &wait)
        :went_on
      rescue IOError => e
        e.class.name
      end
      { waiter: waiter, closer: closer }
    end
  end

  def full_pipe
    reader, writer = pipe
    nil until writer.write_nonblock('.' * 65_536, exception: false) == :wait_writable
    [reader, writer]
  end

  {
    'gets' => ->(io) { io.gets },
    'read' => ->(io) { io.read },
    'readpartial' => ->(io) { io.readpartial(1) },
    'wait_readable' => ->(io) { io.wait_readable },
    'wait_readable(timeout)' => ->(io) { io.wait_readable(60) }
  }.each do |name, call|
    it "a fiber in IO##{name} gets an IOError, the closer none" do
      reader, = pipe
      expect(close_under(reader) { call.call(reader) }).to eq(waiter: 'IOError', closer: :unharmed)
    end
  end

  it 'a fiber in IO#write gets an IOError, the closer none' do
    _reader, writer = full_pipe
    expect(close_under(writer) { writer.write('x' * 100_000) }).to eq(waiter: 'IOError', closer: :unharmed)
  end

  {
    'TCPServer#accept' => [-> { TCPServer.new('127.0.0.1', 0) }, ->(io) { io.accept }],
    'UNIXServer#accept' => [-> { UNIXServer.new(scratch) }, ->(io) { io.accept }],
    'UDPSocket#recv' => [-> { UDPSocket.new.tap { |s| s.bind('127.0.0.1', 0) } }, ->(io) { io.recv(10) }],
    'UDPSocket#recvmsg' => [-> { UDPSocket.new.tap { |s| s.bind('127.0.0.1', 0) } }, ->(io) { io.recvmsg }],
    'UNIXSocket#gets' => [-> { UNIXSocket.pair.each { |io| keep(io) }.first }, ->(io) { io.gets }]
  }.each do |name, (open, call)|
    it "a fiber in #{name} gets an IOError, the closer none" do
      socket = keep(instance_exec(&open))
      expect(close_under(socket) { call.call(socket) }).to eq(waiter: 'IOError', closer: :unharmed)
    end
  end

  if Stock::IO_SELECT_HOOK
    it 'a fiber in IO.select gets an IOError, the closer none' do
      reader, = pipe
      other, = pipe
      expect(close_under(reader) { IO.select([other, reader]) }).to eq(waiter: 'IOError', closer: :unharmed)
    end
  end

  it 'two fibers that wait for it both get an IOError' do
    reader, = pipe
    errors = in_child do
      got = []
      in_scheduler do
        2.times do
          Fiber.schedule do
            reader.gets
          rescue IOError => e
            got << e.class.name
          end
        end
        Fiber.schedule { give_way and reader.close }
      end
      got
    end
    expect(errors).to eq(%w[IOError IOError])
  end

  it 'one that waits to read and one that waits to write both get an IOError' do
    ours, = UNIXSocket.pair.each { |io| keep(io) }
    errors = in_child do
      got = []
      in_scheduler do
        calls = [-> { ours.gets }, -> { ours.write('x' * 8_000_000) }]
        calls.each do |call|
          Fiber.schedule do
            call.call
          rescue IOError => e
            got << e.class.name
          end
        end
        Fiber.schedule { give_way and ours.close }
      end
      got
    end
    expect(errors).to eq(%w[IOError IOError])
  end

  it 'a close from another thread wakes the waiter too' do
    reader, = pipe
    waiter = in_child do
      beside_ticker(-> { Thread.new { reader.close }.join }) { reader.gets }
    rescue IOError => e
      e.class.name
    end
    expect(waiter).to eq('IOError')
  end

  it 'a wait of another descriptor in the same thread is not disturbed' do
    reader, = pipe
    other, feed = pipe
    lines = in_child do
      got = []
      in_scheduler do
        Fiber.schedule { reader.gets rescue got << :closed } # rubocop:disable Style/RescueModifier
        Fiber.schedule { got << other.gets }
        Fiber.schedule { give_way and reader.close or give_way and feed.puts('hello') }
      end
      got
    end
    expect(lines).to eq([:closed, "hello\n"])
  end

  it 'a hundred waiters, closed one after the other' do
    count = in_child do
      closed = 0
      in_scheduler do
        pipes = Array.new(100) { IO.pipe }
        pipes.each do |reader, _|
          Fiber.schedule { reader.gets rescue closed += 1 } # rubocop:disable Style/RescueModifier
        end
        Fiber.schedule { pipes.shuffle.each { |reader, _| reader.close or sleep(0) } }
      end
      closed
    end
    expect(count).to eq(100)
  end

  it 'IO#close of a socket whose other half still waits: shutdown ends it without an error' do
    ours, = UNIXSocket.pair.each { |io| keep(io) }
    expect(beside_ticker(-> { ours.shutdown(:RD) }) { ours.gets }).to be_nil
  end
end
