# frozen_string_literal: true

require_relative '../support/stock'
require 'io/nonblock'
require 'stringio'

RSpec.describe 'Writing beside a ticker fiber', :stock do
  size = 8 * 1024 * 1024

  def full_pipe
    reader, writer = pipe
    nil until writer.write_nonblock('.' * 65_536, exception: false) == :wait_writable
    [reader, writer]
  end

  # All that is in the pipe now.
  def drain(reader)
    data = +''
    data << reader.readpartial(65_536) while reader.wait_readable(0)
    data
  end

  it 'IO#write of 8 MB to a pipe' do
    reader, writer = pipe
    received = nil
    expect(beside_ticker(-> { received = reader.read(size) }) { writer.write('x' * size) }).to eq(size)
    expect(received.count('x')).to eq(size)
  end

  it 'IO#write of 8 MB to a socket' do
    ours, theirs = UNIXSocket.pair.each { |io| keep(io) }
    received = nil
    expect(beside_ticker(-> { received = theirs.read(size) }) { ours.write('x' * size) }).to eq(size)
    expect(received.count('x')).to eq(size)
  end

  if Stock::IO_WRITE_HOOK
    it 'IO#write of 8 MB to a descriptor in blocking mode, which stays in blocking mode' do
      reader, writer = pipe
      writer.nonblock = false
      received = nil
      expect(beside_ticker(-> { received = reader.read(size) }) { writer.write('x' * size) }).to eq(size)
      expect(received.size).to eq(size)
      expect(writer.nonblock?).to be(false)
    end
  else
    it 'IO#write of more than there is room for blocks the thread when the descriptor is in blocking mode (Ruby < 3.3.1)' do
      reader, writer = full_pipe
      writer.nonblock = false
      expect(blocks_the_thread(-> { drain(reader) }) { writer.write('x') }).to eq(1)
    end

    it '… the way out: a thread' do
      reader, writer = full_pipe
      writer.nonblock = false
      expect(beside_ticker(-> { drain(reader) }) { Thread.new { writer.write('x') }.value }).to eq(1)
    end
  end

  {
    'puts' => ->(io) { io.puts('hello', 'world') },
    'print' => ->(io) { io.print("hello\n", "world\n") },
    '<<' => ->(io) { io << "hello\n" << "world\n" },
    'printf' => ->(io) { io.printf("%s\n%s\n", 'hello', 'world') },
    'write with several strings' => ->(io) { io.write("hello\n", "world\n") },
    'putc' => ->(io) { "hello\nworld\n".each_char { |c| io.putc(c) } }
  }.each do |name, call|
    it "IO##{name} to a full pipe" do
      reader, writer = full_pipe
      beside_ticker(-> { drain(reader) }) { call.call(writer) }
      expect(drain(reader)).to eq("hello\nworld\n")
    end
  end

  if Stock::IO_WRITE_HOOK
    it 'IO#syswrite to a full pipe' do
      reader, writer = full_pipe
      expect(beside_ticker(-> { drain(reader) }) { writer.syswrite('hello') }).to eq(5)
    end
  else
    it 'IO#syswrite to a full pipe raises EAGAIN, as it does without a scheduler (Ruby < 3.3.1)' do
      _, writer = full_pipe
      expect { writer.syswrite('hello') }.to raise_error(Errno::EAGAIN)
      expect { in_scheduler { Fiber.schedule { writer.syswrite('hello') } } }.to raise_error(Errno::EAGAIN)
    end
  end

  it 'Kernel#puts to $stdout, a full pipe' do
    reader, writer = full_pipe
    stdout = $stdout
    $stdout = writer
    beside_ticker(-> { drain(reader) }) { puts 'hello' }
    expect(drain(reader)).to eq("hello\n")
  ensure
    $stdout = stdout
  end

  it 'IO#write_nonblock never waits; IO#wait_writable after it does' do
    reader, writer = full_pipe
    expect(writer.write_nonblock('x', exception: false)).to eq(:wait_writable)
    written = beside_ticker(-> { drain(reader) }) do
      writer.write_nonblock('x')
    rescue IO::WaitWritable
      writer.wait_writable
      retry
    end
    expect(written).to eq(1)
  end

  it 'IO#wait_writable(timeout)' do
    reader, writer = full_pipe
    expect(beside_ticker { writer.wait_writable(0.02) }).to be_nil
    expect(beside_ticker(-> { drain(reader) }) { writer.wait_writable(60) }).to be(writer)
  end

  it 'IO#flush of what is buffered, to a full pipe' do
    reader, writer = full_pipe
    writer.sync = false
    writer.write('buffered')
    beside_ticker(-> { drain(reader) }) { writer.flush }
    expect(drain(reader)).to eq('buffered')
  end

  it 'IO#close with something buffered, to a full pipe' do
    reader, writer = full_pipe
    writer.sync = false
    writer.write('buffered')
    beside_ticker(-> { drain(reader) }) { writer.close }
    expect(reader.read).to eq('buffered')
  end

  it 'lines that several fibers put to a buffered IO never mix' do
    reader, writer = pipe
    writer.sync = false
    lines = []
    in_scheduler do
      %w[a b c].each { |c| Fiber.schedule { 3.times { writer.puts(c * 70_000) } and writer.flush } }
      Fiber.schedule { 9.times { lines << reader.gets } }
    end
    expect(lines.map { |line| [line.size, line.chomp.squeeze.size] }.uniq).to eq([[70_001, 1]])
  end

  it 'a reader that goes away gives EPIPE to the waiting writer' do
    reader, writer = full_pipe
    expect { beside_ticker(-> { reader.close }) { writer.write('x') } }.to raise_error(Errno::EPIPE)
  end

  it 'one fiber reads and one writes the same socket' do
    ours, theirs = UNIXSocket.pair.each { |io| keep(io) }
    received = nil
    in_scheduler do
      Fiber.schedule { received = ours.gets }
      Fiber.schedule { ours.write('x' * size) and theirs.puts('hello') }
      Fiber.schedule { theirs.read(size) }
    end
    expect(received).to eq("hello\n")
  end

  {
    'pipe to pipe' => -> { pipe },
    'socket to pipe' => -> { UNIXSocket.pair.each { |io| keep(io) } }
  }.each do |name, source|
    it "IO.copy_stream from #{name}" do
      reader, writer = instance_exec(&source)
      target_reader, target = pipe
      event = lambda do
        writer.write('hello')
        writer.close
      end
      expect(beside_ticker(event) { IO.copy_stream(reader, target) }).to eq(5)
      expect(target_reader.readpartial(10)).to eq('hello')
    end
  end

  it 'IO.copy_stream from a file to a socket with no room, 8 MB' do
    File.write(scratch, 'x' * size)
    ours, theirs = UNIXSocket.pair.each { |io| keep(io) }
    received = nil
    copied = beside_ticker(-> { received = theirs.read(size) }) { IO.copy_stream(scratch, ours) }
    expect([copied, received.count('x')]).to eq([size, size])
  end

  it 'IO.copy_stream from a pipe to a StringIO' do
    reader, writer = pipe
    target = StringIO.new
    beside_ticker(-> { writer.write('hello') and writer.close }) { IO.copy_stream(reader, target) }
    expect(target.string).to eq('hello')
  end

  if Stock::IO_TIMEOUT && Stock::IO_WRITE_HOOK
    it 'IO#timeout= limits a write' do
      _, writer = full_pipe
      writer.timeout = 0.02
      expect { beside_ticker { writer.write('x') } }.to raise_error(IO::TimeoutError)
    end
  end
end
