# frozen_string_literal: true

require_relative '../support/stock'

# The kernel calls every regular file ready at any time, so nothing can wait for one: its reads and writes take as
# long as they take, and no other fiber of the thread runs meanwhile.
RSpec.describe 'Regular files beside a ticker fiber', :stock do
  size = 8 * 1024 * 1024

  {
    'File.read' => ->(path) { File.read(path).size },
    'IO#read' => ->(path) { File.open(path, &:read).size },
    'IO#each_line' => ->(path) { File.foreach(path).sum(&:size) },
    'IO#readpartial' => ->(path) { File.open(path) { |f| f.readpartial(size).size } },
    'IO#pread' => ->(path) { File.open(path) { |f| f.pread(size, 0).size } },
    'IO.copy_stream' => ->(path) { IO.copy_stream(path, "#{path} copy") },
    'File.write' => ->(path) { File.write("#{path} new", 'x' * size) },
    'IO#write and fsync' => ->(path) { File.open("#{path} new", 'w') { |f| f.write('x' * size).tap { f.fsync } } },
    'IO#pwrite' => ->(path) { File.open("#{path} new", 'w') { |f| f.pwrite('x' * size, 0) } }
  }.each do |name, call|
    it "#{name} blocks the thread" do
      File.write(scratch, 'x' * size)
      expect(blocks_the_thread { call.call(scratch) }).to eq(size)
    end
  end

  it '… the way out: a thread' do
    File.write(scratch, 'x' * size)
    expect(beside_ticker { Thread.new { File.read(scratch) }.value.size }).to eq(size)
  end

  it '… the way out: Polyphony::ThreadPool, whose threads are kept' do
    require 'polyphony/core'
    File.write(scratch, 'x' * size)
    pool = Polyphony::ThreadPool.new(1)
    expect(beside_ticker { pool.process { File.read(scratch).size } }).to eq(size)
  ensure
    pool&.stop
  end

  it 'wait_readable of a regular file returns at once' do
    File.write(scratch, 'x')
    ready = nil
    in_scheduler { Fiber.schedule { File.open(scratch) { |file| ready = !file.wait_readable.nil? } } }
    expect(ready).to be(true)
  end

  describe 'File#flock' do
    # Another open file of the same path has the lock.
    let!(:holder) { keep(File.open(scratch('lock'), 'w')).tap { |file| file.flock(File::LOCK_EX) } }
    let(:file) { keep(File.open(scratch('lock'))) }
    let(:unlock) { -> { holder.flock(File::LOCK_UN) } }

    it 'blocks the thread' do
      expect(blocks_the_thread(unlock) { file.flock(File::LOCK_EX) }).to eq(0)
    end

    it '… the way out: a thread' do
      expect(beside_ticker(unlock) { Thread.new { file.flock(File::LOCK_EX) }.value }).to eq(0)
    end

    it '… the way out: Polyphony::ThreadPool' do
      require 'polyphony/core'
      pool = Polyphony::ThreadPool.new(1)
      expect(beside_ticker(unlock) { pool.process { file.flock(File::LOCK_EX) } }).to eq(0)
    ensure
      pool&.stop
    end

    it '… the way out: LOCK_NB and another try later' do
      result = beside_ticker(unlock) do
        sleep 0 until (taken = file.flock(File::LOCK_EX | File::LOCK_NB))
        taken
      end
      expect(result).to eq(0)
    end
  end

  describe 'File.open of a FIFO' do
    before { File.mkfifo(scratch('fifo')) }

    it 'blocks the thread until the other side is open' do
      writer = nil
      reader = blocks_the_thread(-> { writer = keep(File.open(scratch('fifo'), 'w')) }) { File.open(scratch('fifo')) }
      expect(keep(reader)).to be_a(File)
    end

    it '… the way out: open it for both, then read: that waits' do
      fifo = keep(File.open(scratch('fifo'), 'r+'))
      expect(beside_ticker(-> { fifo.puts('hello') or fifo.flush }) { fifo.gets }).to eq("hello\n")
    end
  end
end
