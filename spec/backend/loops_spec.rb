# frozen_string_literal: true

require_relative '../support/backend'

# feed_loop is read_loop with a receiver instead of a block: both go through the same examples.
RSpec.shared_examples 'a loop over what comes in' do
  # run_loop(io, max) { |data| … } is defined by each.
  let(:ends) { sockets }
  let(:reader) { ends[0] }
  let(:writer) { ends[1] }
  let(:got) { [] }

  it 'gives piece after piece until the end, and returns nil' do
    loop_fiber = spin { run_loop(reader) { |data| got << data } }
    %w[a b c].each do |piece|
      wait_for(loop_fiber)
      writer.write(piece)
      sleep 0 until got.last == piece
    end
    writer.close
    expect(loop_fiber.await).to be_nil
    expect(got).to eq(%w[a b c])
  end

  it 'gives at most so many bytes at a time' do
    writer.write('abcdefg')
    writer.close
    run_loop(reader, 3) { |data| got << data }
    expect(got).to eq(%w[abc def g])
  end

  it 'starts with what Ruby has read ahead' do
    writer.write("line\nahead")
    reader.gets
    writer.write('later')
    writer.close
    run_loop(reader) { |data| got << data }
    expect(got).to eq(%w[ahead later])
  end

  it 'ends when its IO is closed inside, and goes on behind it' do
    writer.write('only')
    expect(run_loop(reader) { |data| got << data && reader.close }).to be_nil
    expect(got).to eq(['only'])
  end

  it 'ends when its IO is closed inside while there is more read ahead' do
    writer.write("line\nahead and more")
    reader.gets
    expect(run_loop(reader, 4) { |data| got << data && reader.close }).to be_nil
    expect(got).to eq(['ahea'])
  end

  it 'lets errors out, and works again afterwards' do
    writer.write('x')
    expect { run_loop(reader) { raise KeyError, 'inside' } }.to raise_error(KeyError, 'inside')
    writer.write('y')
    writer.close
    run_loop(reader) { |data| got << data }
    expect(got).to eq(['y'])
  end

  it 'can wait inside while data comes, and loses none' do
    loop_fiber = spin { run_loop(reader) { |data| got << data && 5.times { sleep 0 } } }
    wait_for(loop_fiber)
    20.times { |i| writer.write(i.to_s) && sleep(0) }
    writer.close
    loop_fiber.await
    expect(got.join).to eq((0...20).to_a.join)
  end

  it 'ends with IOError when its IO is closed from outside' do
    loop_fiber = spin { run_loop(reader) { |data| got << data } }
    wait_for(loop_fiber)
    begin
      reader.close
    rescue IOError
      nil
    end
    expect { loop_fiber.await }.to raise_error(IOError)
  end

  it 'can be stopped, and leaves the descriptor to others' do
    loop_fiber = spin { run_loop(reader) { |data| got << data } }
    wait_for(loop_fiber)
    loop_fiber.stop
    writer.write('for others')
    expect(backend.read(reader)).to eq('for others')
  end

  it 'serves many at once' do
    pairs = Array.new(50) { sockets }
    loops = pairs.map { |left, _| spin { run_loop(left) { |data| got << data } } }
    wait_for(*loops)
    pairs.each_with_index { |(_, right), i| right.write(i.to_s) && right.close }
    loops.each(&:await)
    expect(got.map(&:to_i).sort).to eq((0...50).to_a)
  end

  it 'refuses a wrong maximum and what is no IO' do
    expect { run_loop(reader, 0) { nil } }.to raise_error(ArgumentError, /positive/)
    expect { run_loop(reader, -3) { nil } }.to raise_error(ArgumentError, /positive/)
    expect { run_loop(:io) { nil } }.to raise_error(TypeError)
    reader.close
    expect { run_loop(reader) { nil } }.to raise_error(IOError, /closed/)
  end
end

RSpec.describe 'Polyphony::Backend#read_loop', :backend do
  def run_loop(io, max = 8192, &block)
    backend.read_loop(io, max, &block)
  end

  include_examples 'a loop over what comes in'

  it 'is left by break' do
    writer.write('one')
    expect(backend.read_loop(reader) { |data| break data * 2 }).to eq('oneone')
    writer.write('two')
    expect(backend.read(reader)).to eq('two')
  end

  it 'wants a block' do
    expect { backend.read_loop(reader) }.to raise_error(LocalJumpError, /block/)
  end

  it 'can be run by a nested fiber that is dropped: what comes later goes to nobody' do
    50.times do
      left, right = sockets
      right.write('a')
      expect(Fiber.new { backend.read_loop(left) { |data| Fiber.yield(data) } }.resume).to eq('a')
      right.write('b')
    end
    GC.start
    Polyphony::Scheduler.wait_all_blocked # it has looked at all descriptors
    expect(Polyphony::Scheduler.current.stats[:ready]).to eq(0)
  end
end

RSpec.describe 'Polyphony::Backend#feed_loop', :backend do
  def run_loop(io, max = 8192, &block)
    parser = Object.new
    parser.define_singleton_method(:feed) { |data| block.call(data) }
    backend.feed_loop(io, parser, :feed, max)
  end

  include_examples 'a loop over what comes in'

  it 'sends :call when no method is named' do
    writer.write('to a lambda')
    writer.close
    backend.feed_loop(reader, ->(data) { got << data })
    expect(got).to eq(['to a lambda'])
  end

  describe 'with a buffer' do
    it 'reads every piece into that one, which need not be large' do
      buffer = String.new('old')
      pieces = []
      fiber = spin do
        backend.feed_loop(reader, ->(data) { pieces << [data.equal?(buffer), data.dup] }, nil, 5, buffer)
      end
      [['first', 1], ['second', 3]].each do |text, count|
        writer.write(text)
        sleep 0 until pieces.size == count
      end
      writer.close
      fiber.await
      expect(pieces).to eq([[true, 'first'], [true, 'secon'], [true, 'd']])
    end

    it 'makes it a String of its own again when somebody has kept a part' do
      buffer = String.new(capacity: 100)
      kept = []
      fiber = spin { backend.feed_loop(reader, ->(data) { kept << data[0..] }, nil, 100, buffer) }
      ['a' * 90, 'b' * 90].each.with_index(1) do |text, count|
        writer.write(text)
        sleep 0 until kept.size == count
      end
      writer.close
      fiber.await
      expect(kept).to eq(['a' * 90, 'b' * 90])
    end

    it 'serves several loops' do
      buffer = String.new
      ends = [[reader, writer], sockets]
      got = Hash.new { |hash, key| hash[key] = +'' }
      fibers = ends.map { |from, _| spin { backend.feed_loop(from, ->(data) { got[from] << data }, nil, 64, buffer) } }
      20.times do |i|
        ends.each { |from, to| to.write("#{from.fileno}:#{i} ") }
        sleep 0
      end
      ends.each { |_, to| to.close }
      fibers.each(&:await)
      expect(got).to eq(ends.to_h { |from, _| [from, Array.new(20) { |i| "#{from.fileno}:#{i} " }.join] })
    end

    it 'wants one that may change' do
      writer.write('x')
      expect { backend.feed_loop(reader, ->(_) {}, nil, 10, 'frozen') }.to raise_error(FrozenError)
      expect { backend.feed_loop(reader, ->(_) {}, nil, 10, 1) }.to raise_error(TypeError)
    end
  end

  it 'lets NoMethodError out' do
    writer.write('x')
    expect { backend.feed_loop(reader, Object.new, :parse) }.to raise_error(NoMethodError, /parse/)
  end
end

RSpec.describe 'Polyphony::Backend#ready_loop', :backend do
  let(:ends) { sockets }
  let(:reader) { ends[0] }
  let(:writer) { ends[1] }

  it 'calls as often as there is something to be read, until what it calls returns false' do
    got = []
    fiber = spin do
      backend.ready_loop(reader, lambda {
        got << reader.read_nonblock(2)
        got.size < 3
      })
    end
    writer.write('abcd')
    sleep 0 until got.size == 2
    expect(got).to eq(%w[ab cd])
    writer.write('e')
    expect(fiber.await).to be_nil
    expect(got).to eq(%w[ab cd e])
  end

  it 'calls the method that is named, at the end of the stream too' do
    calls = 0
    receiver = Object.new
    receiver.define_singleton_method(:readable) { (calls += 1) < 2 }
    writer.close
    backend.ready_loop(reader, receiver, :readable)
    expect(calls).to eq(2)
  end

  it 'ends when the IO is closed in it' do
    writer.write('x')
    expect(backend.ready_loop(reader, -> { reader.close || true })).to be_nil
  end

  it 'leaves nothing behind when it is stopped' do
    fiber = spin { backend.ready_loop(reader, -> { true }) }
    wait_for(fiber)
    fiber.stop
    writer.write('for the next')
    expect(backend.read(reader)).to eq('for the next')
  end
end
