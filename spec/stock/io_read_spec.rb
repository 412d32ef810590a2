# frozen_string_literal: true

require_relative '../support/stock'
require 'io/console'
require 'io/nonblock'
require 'pty'
require 'timeout'

RSpec.describe 'Reading beside a ticker fiber', :stock do
  {
    'gets' => [:gets, "hello\n"],
    'readline' => [:readline, "hello\n"],
    'readlines' => [:readlines, ["hello\n", 'world']],
    'read' => [:read, "hello\nworld"],
    'read(length)' => [[:read, 11], "hello\nworld"],
    'readpartial' => [[:readpartial, 100], "hello\nworld"],
    'sysread' => [[:sysread, 100], "hello\nworld"],
    'getc' => [:getc, 'h'],
    'readchar' => [:readchar, 'h'],
    'getbyte' => [:getbyte, 104],
    'readbyte' => [:readbyte, 104],
    'eof?' => [:eof?, false],
    'gets(nil)' => [[:gets, nil], "hello\nworld"],
    'gets(separator, limit)' => [[:gets, 'o', 3], 'hel']
  }.each do |name, (call, result)|
    it "IO##{name} on a pipe" do
      reader, writer = pipe
      event = -> { writer.write("hello\nworld") and writer.close }
      expect(beside_ticker(event) { reader.public_send(*call) }).to eq(result)
    end
  end

  it 'IO#each_line over lines that come one by one' do
    reader, writer = pipe
    lines = []
    event = lambda do
      3.times { |i| writer.puts(i) or give_way }
      writer.close
    end
    beside_ticker(event) { reader.each_line(chomp: true) { |line| lines << line } }
    expect(lines).to eq(%w[0 1 2])
  end

  it 'IO#gets when a line comes in pieces, in the middle of a character' do
    reader, writer = pipe
    event = -> { "é\n".each_byte { |byte| writer.write(byte.chr) and give_way } }
    expect(beside_ticker(event) { reader.gets }).to eq("é\n")
  end

  it 'IO#read of 8 MB' do
    reader, writer = pipe
    data = Random.bytes(1024) * 8192
    event = -> { writer.write(data) and writer.close }
    expect(beside_ticker(event) { reader.read }.b == data).to be(true)
  end

  it 'IO#read_nonblock never waits' do
    reader, writer = pipe
    got = []
    in_scheduler do
      Fiber.schedule { got << reader.read_nonblock(5, exception: false) << :went_on }
      got << :root
      writer.write('hello')
    end
    expect(got).to eq(%i[wait_readable went_on root])
  end

  it 'IO#wait_readable after IO#read_nonblock' do
    reader, writer = pipe
    data = beside_ticker(-> { writer.write('hello') }) do
      reader.read_nonblock(5)
    rescue IO::WaitReadable
      reader.wait_readable
      retry
    end
    expect(data).to eq('hello')
  end

  it 'IO#wait_readable returns the IO' do
    reader, writer = pipe
    expect(beside_ticker(-> { writer.write('x') }) { reader.wait_readable }).to be(reader)
  end

  it 'IO#wait_readable(timeout) in time returns the IO' do
    reader, writer = pipe
    expect(beside_ticker(-> { writer.write('x') }) { reader.wait_readable(60) }).to be(reader)
  end

  it 'IO#wait_readable(timeout) returns nil when the time is up' do
    reader, = pipe
    expect(beside_ticker { reader.wait_readable(0.02) }).to be_nil
  end

  it 'IO#wait_readable(0) looks and never suspends' do
    reader, writer = pipe
    in_scheduler do
      Fiber.schedule do
        expect(reader.wait_readable(0)).to be_nil
        writer.write('x')
        expect(reader.wait_readable(0)).to be(reader)
      end
    end
  end

  it 'IO#wait(events, timeout) returns the events of a socket' do
    ours, theirs = UNIXSocket.pair.each { |io| keep(io) }
    events = IO::READABLE | IO::PRIORITY
    expect(beside_ticker(-> { theirs.write('x') }) { ours.wait(events, 60) }).to be_truthy
  end

  it 'bytes that Ruby has read ahead are seen first' do
    reader, writer = pipe
    writer.write("one\ntwo\nthree")
    got = []
    in_scheduler do
      Fiber.schedule { got << reader.gets << reader.readpartial(3) << !!reader.wait_readable << reader.gets(5) }
    end
    expect(got).to eq(["one\n", 'two', true, "\n"])
  end

  it 'IO#gets on a terminal' do
    master, terminal = PTY.open.each { |io| keep(io) }
    expect(beside_ticker(-> { master.puts 'hello' }) { terminal.gets }).to eq("hello\n")
  end

  it 'IO#getch on a terminal (io/console)' do
    master, terminal = PTY.open.each { |io| keep(io) }
    expect(beside_ticker(-> { master.write('x') }) { terminal.getch }).to eq('x')
  end

  it 'IO#gets on a descriptor in blocking mode, which stays in blocking mode' do
    reader, writer = pipe
    reader.nonblock = false
    expect(beside_ticker(-> { writer.puts 'hello' }) { reader.gets }).to eq("hello\n")
    expect(reader.nonblock?).to be(false)
  end

  it '$stdin.gets on an inherited pipe' do
    run = script('beside_ticker { puts "got #{$stdin.gets}" }') do |process|
      process.gets
      process.puts 'hello'
    end
    expect(run.output).to eq("ticked\ngot hello\n")
    expect(run.status).to be_success
  end

  it 'Kernel#gets and $stdin.each_line on a terminal' do
    code = <<~RUBY
      require 'polyphony/scheduler'
      require '#{Stock::PRELUDE}'
      beside_ticker { puts "got \#{gets}"; $stdin.each_line { |line| break puts "then \#{line}" } }
    RUBY
    terminal = run_pty(code) do |tty|
      tty.wait_for('ticked')
      tty.type('hello')
      tty.wait_for('got hello')
      tty.type('world')
    end
    expect(terminal.output).to include('then world')
    expect(terminal.status).to be_success
  end

  it 'two fibers read one pipe: each byte goes to one of them' do
    reader, writer = pipe
    bytes = in_scheduler do
      got = []
      2.times { Fiber.schedule { got << reader.sysread(1) } }
      Fiber.schedule { writer.write('ab') }
      got
    end
    expect(bytes).to contain_exactly('a', 'b')
  end

  it 'two fibers wait for one pipe: both wake' do
    reader, writer = pipe
    woken = in_scheduler do
      got = []
      2.times { |i| Fiber.schedule { reader.wait_readable and got << i } }
      Fiber.schedule { give_way and writer.write('x') }
      got
    end
    expect(woken).to contain_exactly(0, 1)
  end

  it 'an end of file is seen by a waiter' do
    reader, writer = pipe
    expect { beside_ticker(-> { writer.close }) { reader.readpartial(1) } }.to raise_error(EOFError)
  end

  if Stock::IO_TIMEOUT
    it 'IO#timeout= limits a read' do
      reader, = pipe
      reader.timeout = 0.02
      expect { beside_ticker { reader.gets } }.to raise_error(IO::TimeoutError)
      expect { beside_ticker { reader.readpartial(1) } }.to raise_error(IO::TimeoutError)
    end

    it 'IO#timeout= does not cut a read that comes in time' do
      reader, writer = pipe
      reader.timeout = 60
      expect(beside_ticker(-> { writer.puts 'hello' }) { reader.gets }).to eq("hello\n")
    end

    it 'IO#timeout= limits IO#wait_readable, whose own limit goes first' do
      reader, = pipe
      reader.timeout = 0.02
      expect(beside_ticker { reader.wait_readable }).to be_nil
      reader.timeout = 60
      expect(beside_ticker { reader.wait_readable(0.02) }).to be_nil
    end
  else
    it 'there is no IO#timeout= on this Ruby: Timeout.timeout is the way' do
      reader, = pipe
      expect(reader).not_to respond_to(:timeout=)
      expect { beside_ticker { Timeout.timeout(0.02) { reader.gets } } }.to raise_error(Timeout::Error)
    end
  end
end
