# frozen_string_literal: true

require 'socket'
require_relative '../support/backend'

RSpec.describe 'Polyphony::Backend#read', :backend do
  let(:ends) { pipe }
  let(:reader) { ends[0] }
  let(:writer) { ends[1] }

  it 'gives what is there, at most the length asked for' do
    writer.write('hello world')
    expect(backend.read(reader, nil, 5)).to eq('hello')
    expect(backend.read(reader)).to eq(' world')
  end

  it 'suspends until something comes, and gives nil at the end' do
    got = spin { [backend.read(reader), backend.read(reader)] }
    wait_for(got)
    writer.write('late')
    sleep 0 until reader.nread.zero?
    writer.close
    expect(got.await).to eq(['late', nil])
  end

  it 'puts the bytes into the String given, replacing what it holds, whatever its size' do
    [+'', +'x' * 5, +'y' * 50_000].each do |buffer|
      writer.write('fresh')
      expect(backend.read(reader, buffer)).to equal(buffer)
      expect(buffer).to eq('fresh')
    end
  end

  it 'leaves Strings that share bytes with the buffer as they are' do
    original = 'a' * 4000
    buffer = original.dup
    part = buffer[2000..]
    writer.write('new')
    backend.read(reader, buffer)
    expect([buffer, original, part]).to eq(['new', 'a' * 4000, 'a' * 2000])
  end

  it 'gives binary Strings of its own' do
    writer.write("\xff\x00".b)
    expect(backend.read(reader)).to eq("\xff\x00".b)
  end

  it 'takes what Ruby has read ahead first' do
    writer.write("line\nrest of it")
    expect(reader.gets).to eq("line\n")
    writer.write('; more')
    expect([backend.read(reader, nil, 4), backend.read(reader), backend.read(reader)]).to eq(['rest', ' of it', '; more'])
  end

  it 'waits without keeping other fibers from running' do
    got = spin { backend.read(reader) }
    10.times { sleep 0 }
    expect(got.state).to eq(:waiting)
    expect(got.waiting_on).to match(/\Aio_read fd #{reader.fileno} IO/)
    writer.write('x')
    expect(got.await).to eq('x')
  end

  it 'reads files, and pipes in blocking mode without switching their mode' do
    File.open(__FILE__) { |file| expect(backend.read(file, nil, 8)).to eq('# frozen') }
    blocking = IO.for_fd(reader.fileno, autoclose: false)
    blocking.nonblock = false
    got = spin { backend.read(blocking) }
    wait_for(got)
    writer.write('blocking')
    expect(got.await).to eq('blocking')
    expect(blocking.nonblock?).to be(false)
  end

  it 'reads nothing when asked for nothing' do
    writer.write('kept')
    expect(backend.read(reader, nil, 0)).to eq('')
    expect(backend.read(reader)).to eq('kept')
  end

  it 'keeps others off the buffer while it waits' do
    buffer = +''
    got = spin { backend.read(reader, buffer) }
    wait_for(got)
    expect { buffer << 'mine' }.to raise_error(RuntimeError, /locked/)
    expect { backend.read(reader, buffer) }.to raise_error(RuntimeError, /lock/)
    got.stop
    buffer << 'mine now'
    expect(buffer).to end_with('mine now')
  end

  it 'serves two fibers that read from the same pipe' do
    got = Array.new(2) { spin { backend.read(reader, nil, 1) } }
    wait_for(*got)
    writer.write('ab')
    expect(got.map(&:await).sort).to eq(%w[a b])
  end

  it 'ends with IOError when its IO is closed meanwhile, here or in another thread' do
    [->(io) { io.close }, ->(io) { Thread.new { io.close }.join }].each do |close|
      left, = sockets
      got = spin { backend.read(left) }
      wait_for(got)
      begin
        close.call(left)
      rescue IOError
        nil # Ruby 3.1 raises it in who closes, too
      end
      expect { got.await }.to raise_error(IOError)
    end
  end

  it 'refuses what it cannot read from or into' do
    expect { backend.read(nil) }.to raise_error(TypeError)
    expect { backend.read(3) }.to raise_error(TypeError)
    expect { backend.read(writer) }.to raise_error(SystemCallError)
    expect { backend.read(reader, 7) }.to raise_error(TypeError)
    expect { backend.read(reader, 'frozen'.freeze) }.to raise_error(FrozenError)
    expect { backend.read(reader, nil, -1) }.to raise_error(ArgumentError, /negative/)
    expect { backend.read(reader, nil, 'x') }.to raise_error(TypeError)
    expect { backend.read(reader, nil, 1 << 62) }.to raise_error(Exception, /too big|memory/)
    expect { backend.read }.to raise_error(ArgumentError)
    reader.close
    expect { backend.read(reader) }.to raise_error(IOError, /closed/)
    expect { backend.read(IO.allocate) }.to raise_error(IOError)
  end
end
